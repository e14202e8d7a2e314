/*
 * The device at the bottom of the walk, with nothing below it that sysfs shows and no encryption
 * above it. That is a `no` as far as this machine can tell, with three exceptions where somebody
 * else may encrypt and only that somebody can say: disks of the cloud providers, disks that are
 * reached over a network, and memory.
 *
 * A virtual disk of an unknown host (virtio, Xen) stays a `no`: a host that encrypts below is
 * possible, but nothing vouches for it. A self-encrypting drive without LUKS looks bare as well
 * (its state needs root); the reason says so.
 */
#include "probe/host_disk.h"

#include "base/text.h"

#include <stdlib.h>

struct mark {
    const char *file; /* below the device's folder, or absolute */
    const char *glob, *words;
};

/* Disks that say by themselves whose they are. */
static const struct mark clouds_by_disk[] = {
    {"device/model", "Amazon Elastic Block Store*",          "Amazon Elastic Block Store"   },
    {"device/model", "Amazon EC2 NVMe Instance Storage*",    "an Amazon EC2 instance disk"  },
    {"device/model", "PersistentDisk*",                      "a Google persistent disk"     },
    {"device/model", "EphemeralDisk*",                       "a Google local disk"          },
    {"device/model", "nvme_card*",                           "a Google disk"                },
    {"device/model", "Virtual Disk*",                        "a Hyper-V or Azure disk"      },
    {"device/model", "MSFT NVMe Accelerator*",               "an Azure disk"                },
    {"device/model", "Microsoft NVMe Direct Disk*",          "an Azure disk"                },
    {"device/model", "BlockVolume*",                         "an Oracle block volume"       },
    {"device/model", "Volume*",                              "a provider's volume"          },
    {"device/model", "Alibaba Cloud Elastic Block Storage*", "Alibaba Elastic Block Storage"},
};

/* Virtual disks without a name of their own: the machine's firmware tells whose machine it is. */
static const struct mark clouds_by_machine[] = {
    {"/sys/class/dmi/id/sys_vendor",   "Amazon EC2*",   "Amazon EC2"   },
    {"/sys/class/dmi/id/bios_version", "*amazon*",      "Amazon EC2"   },
    {"/sys/class/dmi/id/sys_vendor",   "Google*",       "Google Cloud" },
    {"/sys/class/dmi/id/sys_vendor",   "DigitalOcean*", "DigitalOcean" },
    {"/sys/class/dmi/id/sys_vendor",   "Hetzner*",      "Hetzner Cloud"},
    {"/sys/class/dmi/id/sys_vendor",   "Alibaba*",      "Alibaba Cloud"},
    {"/sys/class/dmi/id/sys_vendor",   "Tencent*",      "Tencent Cloud"},
    {"/sys/class/dmi/id/sys_vendor",   "Scaleway*",     "Scaleway"     },
    {"/sys/class/dmi/id/sys_vendor",   "Vultr*",        "Vultr"        },
    {"/sys/class/dmi/id/sys_vendor",   "Linode*",       "Linode"       },
    {"/sys/class/dmi/id/sys_vendor",   "Akamai*",       "Linode"       },
    {"/sys/class/dmi/id/sys_vendor",   "UpCloud*",      "UpCloud"      },
    {"/sys/class/dmi/id/sys_vendor",   "Exoscale*",     "Exoscale"     },
    {"/sys/class/dmi/id/sys_vendor",   "OpenStack*",    "OpenStack"    },
    {"/sys/class/dmi/id/product_name", "OpenStack*",    "OpenStack"    },
};

static const char *const network_disks[] = {"nbd*",     "rbd*",  "drbd*",
                                            "etherd!*", "rnbd*", "vitastor*"};

static const char *
marked(struct rdt_host *host, const char *dir, const struct mark *marks, size_t n)
{
    const char *file = "", *text = "";
    for (size_t i = 0; i < n; i++) {
        if (strcmp(file, marks[i].file) != 0) {
            file = marks[i].file;
            const char *path = file[0] == '/' ? file : rdt_host_fmt(host, "%s/%s", dir, file);
            if (rdt_host_word(host, path, &text) != RDT_OK)
                text = "";
        }
        if (rdt_text_glob(rdt_span_str(marks[i].glob), rdt_span_str(text)))
            return marks[i].words;
    }
    return NULL;
}

static bool
is_virtual(struct rdt_host *host, const char *dir, const char *name)
{
    static const char *const models[] = {"QEMU*", "VBOX*", "Virtual disk*", "VMware*"};
    const char *model;
    if (strncmp(name, "vd", 2) == 0 || strncmp(name, "xvd", 3) == 0)
        return true;
    if (rdt_host_word(host, rdt_host_fmt(host, "%s/device/model", dir), &model) != RDT_OK)
        return false;
    for (size_t i = 0; i < RDT_COUNT(models); i++) {
        if (rdt_text_glob(rdt_span_str(models[i]), rdt_span_str(model)))
            return true;
    }
    return false;
}

static bool
is_fabric(struct rdt_host *host, const char *file)
{
    const char *transport;
    return rdt_host_word(host, file, &transport) == RDT_OK && strcmp(transport, "pcie") != 0 &&
           strcmp(transport, "apple-nvme") != 0;
}

/* NVMe names its transport at the controller; a disk of several hangs from their subsystem. */
static bool
is_nvme_over_fabrics(struct rdt_host *host, const char *dir)
{
    struct rdt_names paths;
    if (is_fabric(host, rdt_host_fmt(host, "%s/device/transport", dir)))
        return true;
    if (rdt_host_list(host, rdt_host_fmt(host, "%s/device", dir), &paths) != RDT_OK)
        return false;
    for (size_t i = 0; i < paths.n; i++) {
        if (strncmp(paths.items[i], "nvme", 4) == 0 &&
            is_fabric(host, rdt_host_fmt(host, "%s/device/%s/transport", dir, paths.items[i])))
            return true;
    }
    return false;
}

/* iSCSI has its session, Fibre Channel its remote port in the device's place in sysfs. */
static bool
is_in_a_san(struct rdt_host *host, const char *dir)
{
    char *real = realpath(rdt_host_fmt(host, "%s%s", host->sysroot, dir), NULL);
    const char *place = real == NULL ? "" : real;
    if (strncmp(place, host->sysroot, strlen(host->sysroot)) == 0)
        place += strlen(host->sysroot);
    bool san = strstr(place, "/session") != NULL || strstr(place, "/rport-") != NULL;
    free(real);
    return san;
}

static bool
is_networked(struct rdt_host *host, const char *dir, const char *name)
{
    for (size_t i = 0; i < RDT_COUNT(network_disks); i++) {
        if (rdt_text_glob(rdt_span_str(network_disks[i]), rdt_span_str(name)))
            return true;
    }
    return (strncmp(name, "nvme", 4) == 0 && is_nvme_over_fabrics(host, dir)) ||
           is_in_a_san(host, dir);
}

static bool
is_memory(const char *name)
{
    return strncmp(name, "ram", 3) == 0 && strspn(name + 3, "0123456789") == strlen(name + 3);
}

struct rdt_answer
rdt_leaf(struct rdt_host *host, const char *dir, const char *name)
{
    if (is_memory(name))
        return (struct rdt_answer){RDT_COVER_RAM, rdt_host_fmt(host, "%s is memory", name)};
    if (is_networked(host, dir, name))
        return (struct rdt_answer){
            RDT_COVER_UNKNOWN,
            rdt_host_fmt(host, "%s is reached over a network; only its server can say", name)};
    const char *whose = marked(host, dir, clouds_by_disk, RDT_COUNT(clouds_by_disk));
    bool guest = is_virtual(host, dir, name);
    if (whose == NULL && guest)
        whose = marked(host, dir, clouds_by_machine, RDT_COUNT(clouds_by_machine));
    if (whose != NULL)
        return (struct rdt_answer){
            RDT_COVER_UNKNOWN,
            rdt_host_fmt(host,
                         "no encryption in this machine; %s (%s) may encrypt below it, which "
                         "only an import of the provider's answer shows",
                         whose, name)};
    const char *unseen =
        guest ? "a host that encrypts below it" : "a drive that encrypts by itself";
    return (struct rdt_answer){
        RDT_COVER_NO,
        rdt_host_fmt(host, "%s has no encrypted layer above it (%s would not show)", name, unseen)};
}
