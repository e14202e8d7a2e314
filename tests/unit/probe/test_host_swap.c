#include "host_tree.h"

#define SDA "disk sda 8:0\npart sda1 8:1 sda\npart sda2 8:2 sda\n"
#define LUKS "dm dm-0 253:0 crypt-a CRYPT-LUKS2-11-crypt-a sda2\n"
#define PLAIN_ROOT TREE_ROOT("8:1", "ext4")
#define LUKS_ROOT TREE_ROOT("253:0", "ext4")
#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define LINE(path, kind) path "                               " kind "\t1048572\t\t0\t\t-2\n"
#define SIZE "size: 1073737728"

static const struct {
    const char *what, *devices, *mounts, *swaps, *cmdline, *want;
} cases[] = {
    {"none", SDA, PLAIN_ROOT, HEAD, "quiet\n", "[]"},
    {"plain partition", SDA, PLAIN_ROOT, HEAD LINE("/dev/sda2", "partition"), "quiet\n",
     "[{path: /dev/sda2, kind: partition, " SIZE
     ", encrypted: no, why: sda has no encrypted layer"},
    {"LVM swap on LUKS", SDA LUKS "dm dm-1 253:1 vg-swap LVM-abc dm-0\n", LUKS_ROOT,
     HEAD LINE("/dev/dm-1", "partition"), "", "kind: partition, " SIZE ", encrypted: yes"},
    {"swap with a random key", SDA "dm dm-1 253:1 swap CRYPT-PLAIN-swap sda2\n", PLAIN_ROOT,
     HEAD LINE("/dev/mapper/swap", "partition"), "",
     "encrypted: yes, why: encrypted by /dev/mapper"},
    {"file on LUKS", SDA LUKS, LUKS_ROOT, HEAD LINE("/swapfile", "file"), "",
     "[{path: /swapfile, kind: file, " SIZE ", encrypted: yes"},
    {"file on a plain disk", SDA LUKS, PLAIN_ROOT, HEAD LINE("/swapfile", "file"), "",
     "[{path: /swapfile, kind: file, " SIZE ", encrypted: no"},
    {"file with a blank in its name", SDA LUKS, LUKS_ROOT, HEAD LINE("/swap\\040file", "file"), "",
     "[{path: /swap file, kind: file, " SIZE ", encrypted: yes"},
    {"file that is gone", SDA LUKS, LUKS_ROOT, HEAD LINE("/old\\040(deleted)", "file"), "",
     "encrypted: unknown, why: it does not exist"},
    {"file seen from a container", SDA LUKS, "1 0 0:40 / / rw - overlay overlay rw\n",
     HEAD LINE("/swapfile", "file"), "", "encrypted: unknown, why: a file of the host"},
    {"partition seen from a container", SDA LUKS, "1 0 0:40 / / rw - overlay overlay rw\n",
     HEAD LINE("/dev/sda2", "partition"), "", "encrypted: no"},
    {"zram without write-back", "zram zram0 252:0 -\n" SDA, PLAIN_ROOT,
     HEAD LINE("/dev/zram0", "partition"), "",
     "[{path: /dev/zram0, kind: zram, " SIZE ", encrypted: ram"},
    {"zram that could write back but does not", "zram zram0 252:0 none\n" SDA, PLAIN_ROOT,
     HEAD LINE("/dev/zram0", "partition"), "", "kind: zram, " SIZE ", encrypted: ram"},
    {"zram that writes back to a plain disk", "zram zram0 252:0 /dev/sda2\n" SDA, PLAIN_ROOT,
     HEAD LINE("/dev/zram0", "partition"), "", "kind: zram, " SIZE ", encrypted: no"},
    {"zram that writes back to LUKS", "zram zram0 252:0 /dev/mapper/crypt-a\n" SDA LUKS, PLAIN_ROOT,
     HEAD LINE("/dev/zram0", "partition"), "", "kind: zram, " SIZE ", encrypted: yes"},
    {"zram that writes back to who knows where", "zram zram0 252:0 /dev/gone\n" SDA, PLAIN_ROOT,
     HEAD LINE("/dev/zram0", "partition"), "", "encrypted: unknown, why: the device that zram0"},
    {"two, one of them plain", SDA LUKS, LUKS_ROOT,
     HEAD LINE("/swapfile", "file") LINE("/dev/sda1", "partition"), "", "encrypted: yes"},
    {"the second of them", SDA LUKS, LUKS_ROOT,
     HEAD LINE("/swapfile", "file") LINE("/dev/sda1", "partition"), "",
     "{path: /dev/sda1, kind: partition, " SIZE ", encrypted: no"},
    {"device that sysfs lacks", SDA, PLAIN_ROOT, HEAD LINE("/dev/sdz9", "partition"), "",
     "encrypted: unknown, why: its device is not"},
    {"hibernation to the swap", SDA, PLAIN_ROOT, HEAD LINE("/dev/sda2", "partition"),
     "root=/dev/sda1 resume=/dev/sda2 quiet\n", "[{path: /dev/sda2, kind: partition, " SIZE ", encrypted: no, why: sda has no encrypted layer "
     "above it (a drive that encrypts by itself would not show); hibernation writes all memory "
     "here}]"},
    {"one mapper device of two", SDA LUKS "dm dm-1 253:1 vg-swap LVM-abc sda1\n", LUKS_ROOT,
     HEAD LINE("/dev/mapper/vg-swap", "partition"), "", "encrypted: no, why: sda has no"},
    {"hibernation by a name of udev", SDA, PLAIN_ROOT, HEAD LINE("/dev/sda2", "partition"),
     "resume=UUID=1-2\n", "hibernation writes all memory here}]"},
    {"hibernation by number", SDA, PLAIN_ROOT, HEAD LINE("/dev/sda2", "partition"), "resume=8:2\n",
     "hibernation writes all memory here}]"},
    {"hibernation to what is no swap now", SDA LUKS, LUKS_ROOT, HEAD, "resume=/dev/sda1\n",
     "[{path: /dev/sda1, kind: hibernation, size: 0, encrypted: no"},
    {"hibernation to what is not there", SDA LUKS, LUKS_ROOT, HEAD, "resume=LABEL=gone\n",
     "[{path: LABEL=gone, kind: hibernation, size: 0, encrypted: unknown"},
    {"hibernation forbidden", SDA LUKS, LUKS_ROOT, HEAD, "resume=/dev/sda1 noresume\n", "[]"},
    {"a word that only ends alike", SDA LUKS, LUKS_ROOT, HEAD, "xresume=/dev/sda1\n", "[]"},
};

static void
look(const struct tree *t, struct rdt_evidence *seen)
{
    struct rdt_probe_job job = {.subject = "services.api", .kind = "host", .sysroot = t->root};
    assert_int_equal(rdt_probe_host(&job, seen), RDT_OK);
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
        tree_devices(&t, cases[i].devices);
        tree_put(&t, "/proc/self/mountinfo", cases[i].mounts);
        tree_put(&t, "/proc/swaps", cases[i].swaps);
        tree_put(&t, "/proc/cmdline", cases[i].cmdline);
        tree_put(&t, "/swapfile", "");
        tree_put(&t, "/swap file", "");
        tree_put(&t, "/dev/sda2", "");
        tree_link(&t, "/dev/disk/by-uuid/1-2", "../../sda2");
        look(&t, &seen);
        const struct rdt_observation *item = rdt_evidence_find(&seen, "services.api", "host.swap");
        assert_non_null(item);
        if (item->value == NULL)
            fail_msg("%s: no value: %s", cases[i].what, item->unknown);
        tree_show(item->value, &text);
        assert_holds(cases[i].what, rdt_buf_cstr(&text), cases[i].want);
        rdt_evidence_done(&seen);
        tree_free(&t);
    }
}

/* A number written to /sys/power/resume counts as much as the command line; 0:0 is none. */
static void
power(void **state)
{
    struct tree t;
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rdt_evidence seen = {0};
        RDT_BUF text = {0};
        tree_new(&t);
        tree_devices(&t, SDA);
        tree_put(&t, "/proc/self/mountinfo", PLAIN_ROOT);
        tree_put(&t, "/proc/swaps", HEAD);
        tree_put(&t, "/sys/power/resume", i == 0 ? "0:0\n" : "8:2\n");
        look(&t, &seen);
        tree_show(rdt_evidence_find(&seen, "services.api", "host.swap")->value, &text);
        assert_holds("power", rdt_buf_cstr(&text), i == 0 ? "[]" : "kind: hibernation");
        rdt_evidence_done(&seen);
        tree_free(&t);
    }
}

/* Where zram writes back to cannot be read: that is not memory alone. */
static void
unreadable_zram(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    RDT_BUF text = {0};
    (void)state;
    tree_new(&t);
    tree_devices(&t, "zram zram0 252:0 -\n");
    tree_dir(&t, "/sys/devices/zram0/backing_dev"); /* a folder: reading it fails */
    tree_put(&t, "/proc/self/mountinfo", PLAIN_ROOT);
    tree_put(&t, "/proc/swaps", HEAD LINE("/dev/zram0", "partition"));
    look(&t, &seen);
    tree_show(rdt_evidence_find(&seen, "services.api", "host.swap")->value, &text);
    assert_holds("zram", rdt_buf_cstr(&text), "kind: zram, " SIZE ", encrypted: unknown");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* The command line may hold secrets; only the word that matters is kept. */
static void
secrets(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    tree_devices(&t, SDA);
    tree_put(&t, "/proc/self/mountinfo", PLAIN_ROOT);
    tree_put(&t, "/proc/swaps", HEAD);
    tree_put(&t, "/proc/cmdline", "luks.pass=hunter2 resume=/dev/sda2\n");
    look(&t, &seen);
    const struct rdt_observation *item = rdt_evidence_find(&seen, "services.api", "host.swap");
    assert_holds("raw", item->raw, "/proc/cmdline: resume=/dev/sda2");
    assert_null(strstr(item->raw, "hunter2"));
    rdt_evidence_done(&seen);
    tree_free(&t);
}

static void
table(void **state)
{
    static const struct {
        const char *what, *text;
        enum rdt_code want;
    } rows[] = {
        {"heading alone", HEAD, RDT_OK},
        {"one", HEAD LINE("/dev/sda2", "partition"), RDT_OK},
        {"empty", "", RDT_E_BADINPUT},
        {"no heading", LINE("/dev/sda2", "partition"), RDT_E_BADINPUT},
        {"cut in the heading", "Filename\t\tType", RDT_E_BADINPUT},
        {"cut in a line", HEAD "/dev/sda2 partition 10", RDT_E_BADINPUT},
        {"no size", HEAD "/dev/sda2 partition\n", RDT_E_BADINPUT},
        {"size is no number", HEAD "/dev/sda2 partition 1x 0 0\n", RDT_E_BADINPUT},
        {"size too large", HEAD "/dev/sda2 partition 9999999999999999 0 0\n", RDT_E_BADINPUT},
        {"a kind unknown", HEAD "/dev/sda2 attached 10 0 0\n", RDT_E_BADINPUT},
        {"relative", HEAD "sda2 partition 10 0 0\n", RDT_E_BADINPUT},
        {"blank line", HEAD "\n", RDT_E_BADINPUT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct rdt_arena arena = {0};
        struct rdt_swaps swaps = {0};
        enum rdt_code rc = rdt_swaps_parse(&arena, rdt_span_str(rows[i].text), &swaps, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].what, rdt_code_words(rc));
        rdt_arena_done(&arena);
    }
}

static void
too_many(void **state)
{
    struct rdt_arena arena = {0};
    struct rdt_swaps swaps = {0};
    RDT_BUF text = {0};
    (void)state;
    rdt_buf_str(&text, HEAD);
    for (size_t i = 0; i <= RDT_SWAPS_MAX; i++)
        rdt_buf_str(&text, LINE("/dev/sda2", "partition"));
    assert_int_equal(rdt_swaps_parse(&arena, rdt_buf_span(&text), &swaps, NULL), RDT_E_LIMIT);
    rdt_arena_done(&arena);
}

/* A table that cannot be read is no empty table. */
static void
unreadable(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", PLAIN_ROOT);
    look(&t, &seen);
    const struct rdt_observation *item = rdt_evidence_find(&seen, "services.api", "host.swap");
    assert_null(item->value);
    assert_holds("no file", item->unknown, "/proc/swaps");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* lxcfs and sandboxes with a kernel of their own show an empty table whatever the host does. */
static void
none_in_a_container(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", "1 0 0:40 / / rw - overlay overlay rw\n");
    tree_put(&t, "/proc/swaps", HEAD);
    look(&t, &seen);
    const struct rdt_observation *item = rdt_evidence_find(&seen, "services.api", "host.swap");
    assert_null(item->value);
    assert_holds("none", item->unknown, "from a container");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_in_a_container),
        cmocka_unit_test(trees),
        cmocka_unit_test(power),
        cmocka_unit_test(secrets),
        cmocka_unit_test(unreadable_zram),
        cmocka_unit_test(table),
        cmocka_unit_test(too_many),
        cmocka_unit_test(unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
