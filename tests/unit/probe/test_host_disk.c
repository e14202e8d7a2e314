#include "host_tree.h"

#define SDA "disk sda 8:0\npart sda1 8:1 sda\npart sda2 8:2 sda\n"
#define SDB "disk sdb 8:16\npart sdb1 8:17 sdb\n"
#define LUKS_A "dm dm-0 253:0 crypt-a CRYPT-LUKS2-11-crypt-a sda1\n"
#define LUKS_B "dm dm-1 253:1 crypt-b CRYPT-LUKS1-22-crypt-b sdb1\n"
#define ANON(type, source) "1 0 0:40 / / rw - " type " " source " rw\n"

static const struct {
    const char *what, *devices, *mounts, *encrypted, *why, *layers;
} cases[] = {
    {"bare partition", SDA, TREE_ROOT("8:1", "ext4"), "no", "sda has no encrypted layer",
     "[sda1 (partition), sda]"},
    {"LUKS", SDA LUKS_A, TREE_ROOT("253:0", "ext4"), "yes", "/dev/mapper/crypt-a (CRYPT-LUKS2)",
     "[/dev/mapper/crypt-a (CRYPT-LUKS2), sda1 (partition), sda]"},
    {"LVM on LUKS", SDA LUKS_A "dm dm-1 253:1 vg-root LVM-abc dm-0\n", TREE_ROOT("253:1", "ext4"),
     "yes", "CRYPT-LUKS2",
     "[/dev/mapper/vg-root (LVM), /dev/mapper/crypt-a (CRYPT-LUKS2), sda1 (partition), sda]"},
    {"LUKS on LVM",
     SDA "dm dm-0 253:0 vg-root LVM-abc sda1\ndm dm-1 253:1 root CRYPT-LUKS1-x dm-0\n",
     TREE_ROOT("253:1", "xfs"), "yes", "CRYPT-LUKS1",
     "[/dev/mapper/root (CRYPT-LUKS1), /dev/mapper/vg-root (LVM), sda1 (partition), sda]"},
    {"LVM alone", SDA "dm dm-0 253:0 vg-root LVM-abc sda1\n", TREE_ROOT("253:0", "ext4"), "no",
     "sda has no", NULL},
    {"LVM over an encrypted and a bare disk",
     SDA SDB LUKS_A "dm dm-2 253:2 vg-root LVM-abc dm-0 sdb1\n", TREE_ROOT("253:2", "ext4"), "no",
     "sdb has no", NULL},
    {"RAID1, both legs LUKS", SDA SDB LUKS_A LUKS_B "md md0 9:0 raid1 dm-0 dm-1\n",
     TREE_ROOT("9:0", "ext4"), "yes", "crypt-a", NULL},
    {"RAID1, second leg bare", SDA SDB LUKS_A "md md0 9:0 raid1 dm-0 sdb1\n",
     TREE_ROOT("9:0", "ext4"), "no", "sdb has no", NULL},
    {"RAID1, first leg bare", SDA SDB LUKS_B "md md0 9:0 raid1 dm-1 sda1\n",
     TREE_ROOT("9:0", "ext4"), "no", "sda has no",
     "[md0 (raid1), /dev/mapper/crypt-b (CRYPT-LUKS1), sdb1 (partition), sdb, sda1 (partition), "
     "sda]"},
    {"LUKS on RAID1", SDA SDB "md md0 9:0 raid1 sda1 sdb1\ndm dm-0 253:0 c CRYPT-LUKS2-x md0\n",
     TREE_ROOT("253:0", "ext4"), "yes", "CRYPT-LUKS2", NULL},
    {"partition of a RAID on LUKS", SDA LUKS_A "md md0 9:0 raid0 dm-0\npart md0p1 259:0 md0\n",
     TREE_ROOT("259:0", "ext4"), "yes", "crypt-a", NULL},
    {"RAID without legs", "md md0 9:0 raid1\n", TREE_ROOT("9:0", "ext4"), "unknown",
     "does not say which devices", NULL},
    {"dm-integrity is not encryption", SDA "dm dm-0 253:0 i CRYPT-INTEGRITY-x sda1\n",
     TREE_ROOT("253:0", "ext4"), "no", "sda has no", NULL},
    {"dm-verity is not encryption", SDA "dm dm-0 253:0 v CRYPT-VERITY-x-v sda1\n",
     TREE_ROOT("253:0", "ext4"), "no", "sda has no", NULL},
    {"LUKS2 over its integrity layer",
     SDA "dm dm-0 253:0 c_dif CRYPT-SUBDEV-1-c_dif sda1\ndm dm-1 253:1 c CRYPT-LUKS2-1-c dm-0\n",
     TREE_ROOT("253:1", "ext4"), "yes", "CRYPT-LUKS2", NULL},
    {"LUKS2 by the drive's OPAL", SDA "dm dm-0 253:0 c CRYPT-LUKS2-OPAL-1-c sda1\n",
     TREE_ROOT("253:0", "ext4"), "yes", "OPAL", NULL},
    {"a kind of cryptsetup that is not known", SDA "dm dm-0 253:0 n CRYPT-NEW-x-n sda1\n",
     TREE_ROOT("253:0", "ext4"), "unknown", "does not say what it does", NULL},
    {"cryptsetup's helper", SDA "dm dm-0 253:0 n CRYPT-TEMP-n sda1\n", TREE_ROOT("253:0", "ext4"),
     "unknown", "does not say what it does", NULL},
    {"device-mapper without a uuid", SDA "dm dm-0 253:0 n - sda1\n", TREE_ROOT("253:0", "ext4"),
     "unknown", "dmsetup table", NULL},
    {"the same over LUKS", SDA LUKS_A "dm dm-1 253:1 n - dm-0\n", TREE_ROOT("253:1", "ext4"), "yes",
     "crypt-a", NULL},
    {"a name that only looks like LUKS", SDA "dm dm-0 253:0 CRYPT-LUKS2-x LVM-abc sda1\n",
     TREE_ROOT("253:0", "ext4"), "no", "sda has no", NULL},
    {"bcache, backing LUKS and cache bare", SDA SDB LUKS_A "any bcache0 252:0 dm-0 sdb1\n",
     TREE_ROOT("252:0", "ext4"), "no", "sdb has no", NULL},
    {"bcache, both LUKS", SDA SDB LUKS_A LUKS_B "any bcache0 252:0 dm-0 dm-1\n",
     TREE_ROOT("252:0", "ext4"), "yes", "crypt-a", NULL},
    {"a ring of layers", "dm dm-0 253:0 a LVM-a dm-1\ndm dm-1 253:1 b LVM-b dm-0\n",
     TREE_ROOT("253:0", "ext4"), "unknown", "ring", NULL},
    {"a layer on itself", "dm dm-0 253:0 a LVM-a dm-0\n", TREE_ROOT("253:0", "ext4"), "unknown",
     "ring", NULL},
    {"a leg that sysfs lacks", SDA "md md0 9:0 raid1 sdq1\n", TREE_ROOT("9:0", "ext4"), "unknown",
     "cannot be read", NULL},
    {"one leg missing, one bare", SDA "md md0 9:0 raid1 sda1 sdq1\n", TREE_ROOT("9:0", "ext4"),
     "no", "sda has no", NULL},
    {"one leg missing, one LUKS", SDA LUKS_A "md md0 9:0 raid1 dm-0 sdq1\n",
     TREE_ROOT("9:0", "ext4"), "unknown", "cannot be read", NULL},
    {"no sysfs entry at all", SDA, TREE_ROOT("8:77", "ext4"), "unknown",
     "does not show block device 8:77", "[]"},
    {"loop on a file on a plain disk", SDA "loop loop0 7:0 /images/a.img\n",
     TREE_ROOT("8:1", "ext4") "9 1 7:0 / /data rw - ext4 /dev/loop0 rw\n", "no", "sda has no",
     "[loop0 (file), sda1 (partition), sda]"},
    {"loop on a file on LUKS", SDA LUKS_A "loop loop0 7:0 /images/a.img\n",
     TREE_ROOT("253:0", "ext4") "9 1 7:0 / /data rw - ext4 /dev/loop0 rw\n", "yes", "crypt-a",
     NULL},
    {"loop on a deleted file", SDA LUKS_A "loop loop0 7:0 /images/a.img_(deleted)\n",
     TREE_ROOT("253:0", "ext4") "9 1 7:0 / /data rw - ext4 /dev/loop0 rw\n", "unknown", "deleted",
     NULL},
    {"loop on a file on itself", "loop loop0 7:0 /images/a.img\n",
     TREE_ROOT("7:0", "ext4") "9 1 7:0 / /data rw - ext4 /dev/loop0 rw\n", "unknown", "ring", NULL},
    {"virtio disk of a host unknown", "disk vda 254:0\n", TREE_ROOT("254:0", "ext4"), "no",
     "a host that encrypts below it would not show", "[vda]"},
    {"EBS", "disk nvme0n1 259:0 Amazon_Elastic_Block_Store\n", TREE_ROOT("259:0", "ext4"),
     "unknown", "Amazon Elastic Block Store (nvme0n1) may encrypt", NULL},
    {"LUKS on EBS",
     "disk nvme0n1 259:0 Amazon_Elastic_Block_Store\n"
     "dm dm-0 253:0 c CRYPT-LUKS2-x nvme0n1\n", TREE_ROOT("253:0", "ext4"), "yes", "CRYPT-LUKS2", NULL},
    {"Google", "disk sda 8:0 PersistentDisk\n", TREE_ROOT("8:0", "ext4"), "unknown", "Google",
     NULL},
    {"Azure", "disk sda 8:0 Virtual_Disk\n", TREE_ROOT("8:0", "ext4"), "unknown", "Azure", NULL},
    {"network block device", "disk nbd0 43:0\n", TREE_ROOT("43:0", "ext4"), "unknown", "network",
     NULL},
    {"RAM disk", "disk ram0 1:0\n", TREE_ROOT("1:0", "ext4"), "ram", "memory", NULL},
    {"overlay", SDA, ANON("overlay", "overlay"), "unknown", "run this on the host", "[]"},
    {"tmpfs", "", ANON("tmpfs", "tmpfs"), "ram", "memory", "[]"},
    {"ZFS", "", ANON("zfs", "tank/db"), "unknown", "zfs get encryption", NULL},
    {"NFS", "", ANON("nfs4", "server:/x"), "unknown", "only their server", NULL},
    {"9p", "", ANON("9p", "host"), "unknown", "only their server", NULL},
    {"FUSE", "", ANON("fuse.gocryptfs", "x"), "unknown", "FUSE", NULL},
    {"never heard of", "", ANON("newfs", "x"), "unknown", "newfs is a file system", NULL},
    {"eCryptfs", "",
     "1 0 0:40 / / rw - ecryptfs /x rw,ecryptfs_sig=1,ecryptfs_cipher=aes,ecryptfs_key_bytes=32\n", "yes", "eCryptfs", NULL},
    {"eCryptfs that lets plain files through", "",
     "1 0 0:40 / / rw - ecryptfs /x rw,ecryptfs_cipher=aes,ecryptfs_passthrough\n", "unknown",
     "plain files", NULL},
    {"XFS, log on a plain disk", SDA SDB LUKS_A,
     "1 0 253:0 / / rw - xfs /dev/mapper/crypt-a rw,logdev=/dev/sdb1,noquota\n", "no", "sdb has no",
     NULL},
    {"XFS, log on LUKS", SDA SDB LUKS_A LUKS_B,
     "1 0 253:0 / / rw - xfs /dev/mapper/crypt-a rw,logdev=/dev/mapper/crypt-b\n", "yes", "crypt-a",
     NULL},
    {"NTFS by FUSE on a plain disk", SDA, TREE_ROOT("8:1", "fuseblk"), "no", "sda has no", NULL},
};

/* Runs the disk probe on a path and gives its one observation. */
static const struct rdt_observation *
look(const struct tree *t, const char *path, struct rdt_evidence *seen)
{
    struct rdt_arena arena = {0};
    struct rdt_node *spec = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
    assert_non_null(rdt_value_text(&arena, spec, "path", path));
    struct rdt_probe_job job = {
        .subject = "stores.db", .kind = "disk", .spec = spec, .sysroot = t->root};
    assert_int_equal(rdt_probe_disk(&job, seen), RDT_OK);
    rdt_arena_done(&arena);
    return rdt_evidence_find(seen, "stores.db", "host.disk");
}

static void
check(const struct tree *t, const char *what, const char *path, const char *encrypted,
      const char *why, const char *layers)
{
    struct rdt_evidence seen = {0};
    RDT_BUF text = {0};
    const struct rdt_observation *item = look(t, path, &seen);
    assert_non_null(item);
    if (item->value == NULL)
        fail_msg("%s: no value: %s", what, item->unknown);
    if (!rdt_node_is(rdt_node_get(item->value, "encrypted"), encrypted))
        fail_msg("%s: encrypted is %s (%s), not %s", what, rdt_node_str(item->value, "encrypted"),
                 rdt_node_str(item->value, "why"), encrypted);
    assert_holds(what, rdt_node_str(item->value, "why"), why);
    tree_show(rdt_node_get(item->value, "layers"), &text);
    if (layers != NULL)
        assert_string_equal(rdt_buf_cstr(&text), layers);
    rdt_evidence_done(&seen);
}

static void
trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct tree t;
        tree_new(&t);
        tree_devices(&t, cases[i].devices);
        tree_put(&t, "/proc/self/mountinfo", cases[i].mounts);
        tree_put(&t, "/images/a.img", "");
        tree_dir(&t, "/data");
        check(&t, cases[i].what, "/data", cases[i].encrypted, cases[i].why, cases[i].layers);
        tree_free(&t);
    }
}

/* btrfs has no device number of its own; every device that sysfs lists has to be covered. */
static void
btrfs(void **state)
{
    static const char devices[] = SDA SDB LUKS_A LUKS_B;
    static const struct {
        const char *what, *source, *first, *second, *encrypted, *why;
    } rows[] = {
        {"two LUKS devices",        "/dev/mapper/crypt-a", "dm-0", "dm-1", "yes",     "crypt-a"        },
        {"one of two bare",         "/dev/mapper/crypt-a", "dm-0", "sdb1", "no",      "sdb has no"     },
        {"mounted by the bare one", "/dev/sdb1",           "dm-0", "sdb1", "no",      "sdb has no"     },
        {"one LUKS device",         "/dev/dm-0",           "dm-0", NULL,   "yes",     "crypt-a"        },
        {"sysfs lists another",     "/dev/sda2",           "dm-0", NULL,   "unknown", "does not list"  },
        {"source not there",        "/dev/gone",           "dm-0", NULL,   "unknown", "not to be found"},
        {"sysfs lists none",        "/dev/mapper/crypt-a", NULL,   NULL,   "unknown", "does not list"  },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct tree t;
        char line[256], path[256], target[256];
        const char *legs[] = {rows[i].first, rows[i].second};
        tree_new(&t);
        tree_devices(&t, devices);
        snprintf(line, sizeof line, "1 0 0:40 /@ / rw - btrfs %s rw,subvol=/@\n", rows[i].source);
        tree_put(&t, "/proc/self/mountinfo", line);
        tree_dir(&t, "/sys/fs/btrfs/features");
        for (size_t k = 0; k < 2 && legs[k] != NULL; k++) {
            snprintf(path, sizeof path, "/sys/fs/btrfs/0f-1e/devices/%s", legs[k]);
            snprintf(target, sizeof target, "../../../../class/block/%s", legs[k]);
            tree_link(&t, path, target);
        }
        check(&t, rows[i].what, "/", rows[i].encrypted, rows[i].why, NULL);
        tree_free(&t);
    }
}

/* A disk without a model is judged by the machine that it is in. */
static void
machine(void **state)
{
    static const struct {
        const char *what, *device, *file, *text, *encrypted, *why;
    } rows[] = {
        {"Xen guest at Amazon",       "disk xvda 202:0\n",            "bios_version", "4.11.amazon\n",  "unknown",
         "Amazon EC2"                                                                                                                                              },
        {"DigitalOcean",              "disk vda 254:0\n",             "sys_vendor",   "DigitalOcean\n", "unknown",
         "DigitalOcean"                                                                                                                                            },
        {"Hetzner",                   "disk sda 8:0 QEMU_HARDDISK\n", "sys_vendor",   "Hetzner\n",      "unknown",
         "Hetzner"                                                                                                                                                 },
        {"somebody's QEMU",           "disk vda 254:0\n",             "sys_vendor",   "QEMU\n",         "no",      "would not show"                                },
        {"a real disk at a provider", "disk nvme0n1 259:0 SAMSUNG\n", "sys_vendor",   "Hetzner\n",
         "no",                                                                                                     "a drive that encrypts by itself would not show"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct tree t;
        char number[16] = "", line[256];
        tree_new(&t);
        tree_devices(&t, rows[i].device);
        assert_int_equal(sscanf(rows[i].device, "disk %*s %15s", number), 1);
        snprintf(line, sizeof line, "1 0 %s / / rw - ext4 /dev/root rw\n", number);
        tree_put(&t, "/proc/self/mountinfo", line);
        tree_put_in(&t, "/sys/class/dmi/id", rows[i].file, rows[i].text);
        check(&t, rows[i].what, "/", rows[i].encrypted, rows[i].why, NULL);
        tree_free(&t);
    }
}

/* Disks over a network: NVMe says its transport, iSCSI shows its session in the device's place. */
static void
networked(void **state)
{
    struct tree t;
    (void)state;
    tree_new(&t);
    tree_devices(&t, "disk nvme0n1 259:0 Linux\ndisk session1 8:0\ndisk rport-0 8:16\n");
    tree_put(&t, "/sys/devices/nvme0n1/device/transport", "tcp\n");
    tree_dir(&t, "/local");
    tree_put(&t, "/proc/self/mountinfo",
             TREE_ROOT("259:0", "ext4") "9 1 8:0 / /local rw - ext4 /dev/sda rw\n"
                                        "10 1 8:16 / /fibre rw - ext4 /dev/sdb rw\n");
    tree_dir(&t, "/fibre");
    check(&t, "NVMe over TCP", "/", "unknown", "network", NULL);
    check(&t, "Fibre Channel", "/fibre", "unknown", "network", NULL);
    check(&t, "iSCSI", "/local", "unknown", "network", NULL);
    tree_put(&t, "/sys/devices/nvme0n1/device/transport", "pcie\n");
    check(&t, "NVMe in the machine", "/", "no", "nvme0n1 has no", NULL);
    tree_put(&t, "/sys/devices/nvme0n1/device/nvme7/transport", "rdma\n");
    check(&t, "NVMe with a second way over a network", "/", "unknown", "network", NULL);
    tree_free(&t);
}

/* Symbolic links on the way to the data, some of them out of the folder, some in a ring. */
static void
links(void **state)
{
    struct tree t;
    (void)state;
    tree_new(&t);
    tree_devices(&t, SDA SDB LUKS_B);
    tree_put(&t, "/proc/self/mountinfo",
             TREE_ROOT("8:1", "ext4") "9 1 253:1 / /srv/safe rw - ext4 /dev/mapper/crypt-b rw\n"
                                      "10 1 0:50 / /srv/far rw - nfs4 server:/x rw\n");
    tree_dir(&t, "/srv/safe/db");
    tree_dir(&t, "/var/lib");
    tree_link(&t, "/var/lib/absolute", "/srv/safe/db");
    tree_link(&t, "/var/lib/relative", "../../srv/./safe/db");
    tree_link(&t, "/var/lib/bare", "/srv");
    tree_link(&t, "/var/lib/ring", "ring");
    tree_link(&t, "/var/lib/up", "../../../../../../srv/safe");
    check(&t, "straight", "/srv/safe/db/", "yes", "crypt-b", NULL);
    check(&t, "absolute link", "/var/lib/absolute", "yes", "crypt-b", NULL);
    check(&t, "relative link", "/var/lib//relative", "yes", "crypt-b", NULL);
    check(&t, "link above the root", "/var/lib/up/db", "yes", "crypt-b", NULL);
    check(&t, "link to a bare disk", "/var/lib/bare", "no", "sda has no", NULL);
    check(&t, "dots", "/srv/safe/../safe/./db", "yes", "crypt-b", NULL);
    check(&t, "dots out of the mount", "/srv/safe/..", "no", "sda has no", NULL);
    check(&t, "a ring of links", "/var/lib/ring/x", "unknown", "ring", NULL);
    check(&t, "below a server that may be dead", "/srv/far/a/b", "unknown", "nfs4", NULL);
    check(&t, "not there", "/srv/nothing", "unknown", "does not exist", NULL);
    check(&t, "a file as a folder", "/proc/self/mountinfo/x", "unknown", "does not exist", NULL);
    check(&t, "not absolute", "srv/safe", "unknown", "not absolute", NULL);
    tree_free(&t);
}

static void
too_long(void **state)
{
    struct tree t;
    static char path[8192];
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", TREE_ROOT("8:1", "ext4"));
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    check(&t, "8 KiB", path, "unknown", "too long", NULL);
    path[4050] = '\0'; /* short enough by itself, too long below the root of the tree */
    check(&t, "4 KiB", path, "unknown", "too long", NULL);
    tree_free(&t);
}

/* What is wrong with the table of mounts makes no value at all. */
static void
no_mounts(void **state)
{
    static const struct {
        const char *what, *text, *why;
    } rows[] = {
        {"cut in a line",     "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /pr", "cut short"},
        {"cut after a field", "1 0 8:1 / / rw - ext4\n",                           "line 1"   },
        {"empty",             "",                                                  "empty"    },
        {"garbage",           "hello\n",                                           "line 1"   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct tree t;
        struct rdt_evidence seen = {0};
        tree_new(&t);
        tree_put(&t, "/proc/self/mountinfo", rows[i].text);
        const struct rdt_observation *item = look(&t, "/", &seen);
        assert_null(item->value);
        assert_holds(rows[i].what, item->unknown, rows[i].why);
        rdt_evidence_done(&seen);
        tree_free(&t);
    }
}

static void
unreadable(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    const struct rdt_observation *item = look(&t, "/", &seen);
    assert_null(item->value);
    assert_holds("no /proc", item->unknown, "/proc/self/mountinfo: No such file");
    assert_null(strstr(item->unknown, t.root));
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* What permission denies is unknown, with that reason: a folder on the way, and the table itself.
 */
static void
denied(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    char mounts[2 * TREE_PATH], closed[2 * TREE_PATH];
    bool root = geteuid() == 0;
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", TREE_ROOT("8:1", "ext4"));
    tree_dir(&t, "/srv/closed/db");
    tree_path(&t, "/srv/closed", closed);
    tree_path(&t, "/proc/self/mountinfo", mounts);
    tree_open(&t);
    assert_int_equal(chmod(closed, 0), 0);
    assert_true(!root || seteuid(65534) == 0);
    check(&t, "closed folder", "/srv/closed/db", "unknown", "permission", NULL);
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(chmod(mounts, 0), 0);
    assert_true(!root || seteuid(65534) == 0);
    const struct rdt_observation *item = look(&t, "/srv", &seen);
    assert_true(!root || seteuid(0) == 0);
    assert_null(item->value);
    assert_holds("closed table", item->unknown, "Permission denied");
    assert_int_equal(chmod(closed, 0700), 0);
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* The raw evidence names what was read, and the collector. */
static void
evidence(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    tree_devices(&t, SDA LUKS_A);
    tree_put(&t, "/proc/self/mountinfo", TREE_ROOT("253:0", "ext4"));
    const struct rdt_observation *item = look(&t, "/", &seen);
    assert_string_equal(item->collector, "host/1");
    assert_holds("raw", item->raw, "mount /: ext4, device 253:0");
    assert_holds("raw", item->raw, "/sys/dev/block/253:0/dm/uuid: CRYPT-LUKS2-11-crypt-a");
    assert_null(strstr(item->raw, t.root));
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* A text full of surprises in sysfs comes out as text that can be shown. */
static void
odd_bytes(void **state)
{
    struct tree t;
    (void)state;
    tree_new(&t);
    tree_devices(&t, SDA "dm dm-0 253:0 a\x1b[31m\xff LVM-x sda1\n");
    tree_put(&t, "/proc/self/mountinfo", TREE_ROOT("253:0", "ext4"));
    check(&t, "odd", "/", "no", "sda has no", "[/dev/mapper/a?[31m? (LVM), sda1 (partition), sda]");
    tree_put(&t, "/sys/devices/dm-0/slaves/sda1/dev", "../../etc\n");
    check(&t, "a number that is a path", "/", "unknown", "device number that is none", NULL);
    tree_free(&t);
}

/* The real machine: whatever it is, there is an answer. */
static void
real(void **state)
{
    static const char *const paths[] = {"/", "/tmp", "/proc", "/dev/shm", "/nonexistent"};
    struct tree none = {""};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(paths); i++) {
        struct rdt_evidence seen = {0};
        RDT_BUF text = {0};
        const struct rdt_observation *item = look(&none, paths[i], &seen);
        assert_non_null(item);
        tree_show(item->value, &text);
        print_message("# %s\n", rdt_buf_cstr(&text));
        rdt_evidence_done(&seen);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),     cmocka_unit_test(btrfs),      cmocka_unit_test(machine),
        cmocka_unit_test(networked), cmocka_unit_test(links),      cmocka_unit_test(too_long),
        cmocka_unit_test(no_mounts), cmocka_unit_test(unreadable), cmocka_unit_test(denied),
        cmocka_unit_test(evidence),  cmocka_unit_test(odd_bytes),  cmocka_unit_test(real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
