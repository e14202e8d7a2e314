#include "host_tree.h"

#define DEVICES                                                                                    \
    "disk sda 8:0\npart sda1 8:1 sda\npart sda2 8:2 sda\n"                                         \
    "dm dm-0 253:0 crypt-a CRYPT-LUKS2-11-crypt-a sda2\n"
#define PLAIN TREE_ROOT("8:1", "ext4")
#define LUKS TREE_ROOT("253:0", "ext4")
#define BOTH LUKS "9 1 8:1 / /var rw - ext4 /dev/sda1 rw\n"
#define SYSTEMD "|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h\n"
#define CONF "/etc/systemd/coredump.conf"
#define DROP(folder, name) folder "/systemd/coredump.conf.d/" name

/* file and text: one configuration file; a second pair may follow. */
static const struct {
    const char *what, *mounts, *pattern, *file, *text, *file2, *text2, *want;
} cases[] = {
    {"working folder, plain", PLAIN, "core\n", NULL, NULL, NULL, NULL,
     "{pattern: core, kind: file, to_disk: true, encrypted: no"},
    {"working folder, all disks LUKS", LUKS, "core.%p\n", NULL, NULL, NULL, NULL,
     "kind: file, to_disk: true, encrypted: yes"},
    {"working folder, disks differ", BOTH, "core\n", NULL, NULL, NULL, NULL, "encrypted: unknown"},
    {"working folder, only the boot loader's disk plain",
     LUKS "9 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n10 9 8:1 / /boot/efi rw - vfat /dev/sda1 rw\n",
     "core\n", NULL, NULL, NULL, NULL, "encrypted: yes"},
    {"working folder, an image that is read only",
     LUKS "9 1 8:1 / /snap/x ro - squashfs /dev/x ro\n", "core\n", NULL, NULL, NULL, NULL,
     "encrypted: yes"},
    {"working folder, no local disk", "1 0 0:40 / / rw - zfs tank rw\n", "core\n", NULL, NULL, NULL,
     NULL, "encrypted: unknown"},
    {"folder on LUKS", LUKS, "/var/cores/core.%e.%p\n", NULL, NULL, NULL, NULL,
     "to_disk: true, dir: /var/cores, encrypted: yes"},
    {"folder on a plain disk", BOTH, "/var/cores/core.%p\n", NULL, NULL, NULL, NULL,
     "to_disk: true, dir: /var/cores, encrypted: no"},
    {"folder named by a %", BOTH, "/var/%e/%p/core\n", NULL, NULL, NULL, NULL,
     "dir: /var, encrypted: no"},
    {"the root folder", PLAIN, "/core\n", NULL, NULL, NULL, NULL, "dir: /, encrypted: no"},
    {"folder in memory", PLAIN "9 1 0:40 / /run rw - tmpfs tmpfs rw\n", "/run/core\n", NULL, NULL,
     NULL, NULL, "to_disk: false, dir: /run, encrypted: ram"},
    {"empty", PLAIN, "\n", "/proc/sys/kernel/core_uses_pid", "0\n", NULL, NULL,
     "kind: none, to_disk: false, encrypted: none"},
    {"empty, but named by the process", PLAIN, "\n", "/proc/sys/kernel/core_uses_pid", "1\n", NULL,
     NULL, "kind: file, to_disk: true, encrypted: no"},
    {"thrown away", PLAIN, "|/bin/false\n", NULL, NULL, NULL, NULL,
     "kind: none, to_disk: false, encrypted: none"},
    {"thrown away, with words", PLAIN, "| /usr/bin/true %p\n", NULL, NULL, NULL, NULL,
     "kind: none"},
    {"a false of one's own", PLAIN, "|/opt/false\n", NULL, NULL, NULL, NULL,
     "kind: pipe, to_disk: true, encrypted: unknown"},
    {"no regular file", PLAIN, "/dev/null\n", NULL, NULL, NULL, NULL, "kind: none"},
    {"apport", BOTH, "|/usr/share/apport/apport -p%p -s%s\n", NULL, NULL, NULL, NULL,
     "kind: pipe, to_disk: true, dir: /var/crash, encrypted: no"},
    {"some program", LUKS, "|/usr/bin/keep %p\n", NULL, NULL, NULL, NULL,
     "kind: pipe, to_disk: true, encrypted: unknown"},
    {"a socket", LUKS, "@/run/core.sock\n", NULL, NULL, NULL, NULL,
     "kind: pipe, to_disk: true, encrypted: unknown"},
    {"systemd without a word", BOTH, SYSTEMD, NULL, NULL, NULL, NULL,
     "storage: external, to_disk: true, dir: /var/lib/systemd/coredump, encrypted: no"},
    {"systemd on LUKS", LUKS, SYSTEMD, CONF, "[Coredump]\n#Storage=none\n", NULL, NULL,
     "storage: external, to_disk: true, dir: /var/lib/systemd/coredump, encrypted: yes"},
    {"none, but processed", PLAIN, SYSTEMD, CONF, "[Coredump]\nStorage=none\n", NULL, NULL,
     "storage: none, to_disk: true, dir: /var/lib/systemd/coredump, encrypted: no, why: kept "
     "nowhere, but ProcessSizeMax is not 0"},
    {"none and not processed", PLAIN, SYSTEMD, CONF, "[Coredump]\nStorage=none\nProcessSizeMax=0\n",
     NULL, NULL, "storage: none, to_disk: false, encrypted: none"},
    {"none and not processed, with blanks", PLAIN, SYSTEMD, CONF,
     " [Coredump]\n Storage = none \n ProcessSizeMax = 0G\r\n", NULL, NULL, "to_disk: false"},
    {"processed, however little", PLAIN, SYSTEMD, CONF,
     "[Coredump]\nStorage=none\nProcessSizeMax=01\n", NULL, NULL, "to_disk: true"},
    {"external, of no size", PLAIN, SYSTEMD, CONF,
     "[Coredump]\nProcessSizeMax=0\nExternalSizeMax=0\n", NULL, NULL,
     "storage: external, to_disk: false"},
    {"external, kept though not processed", PLAIN, SYSTEMD, CONF, "[Coredump]\nProcessSizeMax=0\n",
     NULL, NULL, "storage: external, to_disk: true"},
    {"journal on a plain disk", BOTH "10 9 253:0 / /var/lib rw - ext4 /dev/dm-0 rw\n", SYSTEMD,
     CONF, "[Coredump]\nStorage=journal\n", "/var/log/journal/x", "",
     "storage: journal, to_disk: true, dir: /var/lib/systemd/coredump, encrypted: no"},
    {"journal on LUKS", LUKS, SYSTEMD, CONF, "[Coredump]\nStorage=journal\n", "/var/log/journal/x",
     "", "storage: journal, to_disk: true, dir: /var/lib/systemd/coredump, encrypted: yes"},
    {"another section", PLAIN, SYSTEMD, CONF, "[Other]\nStorage=none\nProcessSizeMax=0\n", NULL,
     NULL, "storage: external, to_disk: true"},
    {"a word that is none", PLAIN, SYSTEMD, CONF, "[Coredump]\nStorage=nonesuch\n", NULL, NULL,
     "storage: external, to_disk: true"},
    {"a line that goes on", PLAIN, SYSTEMD, CONF, "[Coredump]\nStorage=\\\nnone\n", NULL, NULL,
     "encrypted: unknown, why: the configuration"},
    {"drop-in over the file", PLAIN, SYSTEMD, CONF, "[Coredump]\nStorage=external\n",
     DROP("/etc", "10-off.conf"), "[Coredump]\nStorage=none\nProcessSizeMax=0\n", "to_disk: false"},
    {"the later drop-in wins", PLAIN, SYSTEMD, DROP("/etc", "10.conf"),
     "[Coredump]\nStorage=none\nProcessSizeMax=0\n", DROP("/usr/lib", "20.conf"),
     "[Coredump]\nStorage=external\n", "storage: external, to_disk: true"},
    {"the later name wins, whatever its folder", PLAIN, SYSTEMD, DROP("/etc", "20.conf"),
     "[Coredump]\nStorage=external\n", DROP("/usr/lib", "10.conf"),
     "[Coredump]\nStorage=none\nProcessSizeMax=0\n", "storage: external, to_disk: true"},
    {"the same name in /etc hides that in /usr/lib", PLAIN, SYSTEMD, DROP("/usr/lib", "10.conf"),
     "[Coredump]\nStorage=external\n", DROP("/etc", "10.conf"),
     "[Coredump]\nStorage=none\nProcessSizeMax=0\n", "to_disk: false"},
    {"the file in /etc hides that in /usr/lib", PLAIN, SYSTEMD, "/usr/lib/systemd/coredump.conf",
     "[Coredump]\nStorage=none\nProcessSizeMax=0\n", CONF, "", "storage: external, to_disk: true"},
    {"not a drop-in", PLAIN, SYSTEMD, DROP("/etc", "10.conf.bak"), "[Coredump]\nStorage=none\n",
     NULL, NULL, "storage: external"},
    {"systemd seen from a container", "1 0 0:40 / / rw - overlay overlay rw\n", SYSTEMD, CONF,
     "[Coredump]\nStorage=none\nProcessSizeMax=0\n", NULL, NULL,
     "kind: pipe, to_disk: true, encrypted: unknown"},
    {"Docker's mark in the image of a virtual machine", PLAIN, "/core\n", "/.dockerenv", "", NULL,
     NULL, "to_disk: true, dir: /, encrypted: no"},
    {"systemd's mark of a container", PLAIN, "/core\n", "/run/systemd/container", "lxc\n", NULL,
     NULL, "to_disk: true, encrypted: unknown"},
    {"file seen from a container", "1 0 8:1 /docker/vfs/1 / rw - ext4 /dev/sda1 rw\n", "/core\n",
     "/.dockerenv", "", NULL, NULL, "to_disk: true, encrypted: unknown"},
};

static const struct rdt_observation *
look(const struct tree *t, struct rdt_evidence *seen)
{
    struct rdt_probe_job job = {.subject = "services.api", .kind = "host", .sysroot = t->root};
    assert_int_equal(rdt_probe_host(&job, seen), RDT_OK);
    return rdt_evidence_find(seen, "services.api", "host.cores");
}

static void
trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct tree t;
        struct rdt_evidence seen = {0};
        RDT_BUF text = {0};
        tree_new(&t);
        tree_devices(&t, DEVICES);
        tree_dir(&t, "/var/lib");
        tree_dir(&t, "/run");
        tree_put(&t, "/proc/self/mountinfo", cases[i].mounts);
        tree_put(&t, "/proc/sys/kernel/core_pattern", cases[i].pattern);
        if (cases[i].file != NULL)
            tree_put(&t, cases[i].file, cases[i].text);
        if (cases[i].file2 != NULL)
            tree_put(&t, cases[i].file2, cases[i].text2);
        const struct rdt_observation *item = look(&t, &seen);
        if (item->value == NULL)
            fail_msg("%s: no value: %s", cases[i].what, item->unknown);
        tree_show(item->value, &text);
        assert_holds(cases[i].what, rdt_buf_cstr(&text), cases[i].want);
        rdt_evidence_done(&seen);
        tree_free(&t);
    }
}

/* A drop-in that is a link to /dev/null hides the file of that name; one that loops is unreadable.
 */
static void
masked(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0}, again = {0};
    RDT_BUF text = {0};
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", PLAIN);
    tree_put(&t, "/proc/sys/kernel/core_pattern", SYSTEMD);
    tree_put(&t, DROP("/usr/lib", "10.conf"), "[Coredump]\nStorage=none\nProcessSizeMax=0\n");
    tree_link(&t, DROP("/etc", "10.conf"), "/dev/null");
    assert_holds("masked", rdt_node_str(look(&t, &seen)->value, "storage"), "external");
    tree_link(&t, DROP("/etc", "20.conf"), "20.conf");
    tree_show(look(&t, &again)->value, &text);
    assert_holds("loop", rdt_buf_cstr(&text), "encrypted: unknown, why: the configuration");
    rdt_evidence_done(&seen);
    rdt_evidence_done(&again);
    tree_free(&t);
}

static void
unreadable(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", PLAIN);
    const struct rdt_observation *item = look(&t, &seen);
    assert_null(item->value);
    assert_holds("no file", item->unknown, "core_pattern");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(masked),
        cmocka_unit_test(unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
