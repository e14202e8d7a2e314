/*
 * host_tree.h - a made-up machine in a temporary folder: /proc and /sys as far as the host probe
 * reads them. Devices are written one a line:
 *
 *   disk NAME M:m [MODEL]             a whole disk
 *   part NAME M:m DISK                a partition of it
 *   dm   NAME M:m LABEL UUID LEG...   device-mapper; "-" for an empty UUID
 *   md   NAME M:m LEVEL LEG...        RAID
 *   any  NAME M:m LEG...              bcache and the like
 *   loop NAME M:m FILE                a loop device
 *   zram NAME M:m BACKING             "-": without the file, as kernels without write-back
 *
 * An underscore in MODEL and FILE is a blank. Legs may be named before they are made.
 */
#ifndef RDT_TEST_HOST_TREE_H
#define RDT_TEST_HOST_TREE_H

#include "base/compiler.h"
#include "base/file.h"
#include "evidence/evidence.h"
#include "probe/host_internal.h"
#include "probe/probe.h"

#include "../test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_WORDS 16
#define TREE_PATH 512

/* An ordinary machine's mounts around the one under test. */
#define TREE_ROOT(number, type) "1 0 " number " / / rw - " type " /dev/root rw\n"
#define TREE_PROC "2 1 0:5 / /proc rw - proc proc rw\n3 1 0:6 / /sys rw - sysfs sysfs rw\n"

struct tree {
    char root[TREE_PATH];
};

static inline void
tree_path(const struct tree *t, const char *path, char out[static 2 * TREE_PATH])
{
    int n = snprintf(out, 2 * TREE_PATH, "%s%s", t->root, path);
    assert_true(n > 0 && n < 2 * TREE_PATH);
}

static inline void
tree_new(struct tree *t)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(t->root, sizeof t->root, "%s/redoubt-tree-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(t->root));
}

static inline int
tree_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void
tree_free(struct tree *t)
{
    nftw(t->root, tree_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
tree_dir(const struct tree *t, const char *path)
{
    char full[2 * TREE_PATH];
    tree_path(t, path, full);
    assert_int_equal(rdt_file_mkdirs(full, NULL), RDT_OK);
}

static inline void
tree_parent(const struct tree *t, const char *path)
{
    char copy[2 * TREE_PATH];
    snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    *slash = '\0';
    if (copy[0] != '\0')
        tree_dir(t, copy);
}

static inline void
tree_put_bytes(const struct tree *t, const char *path, const void *bytes, size_t n)
{
    char full[2 * TREE_PATH];
    tree_parent(t, path);
    tree_path(t, path, full);
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void
tree_put(const struct tree *t, const char *path, const char *text)
{
    tree_put_bytes(t, path, text, strlen(text));
}

static inline void
tree_link(const struct tree *t, const char *path, const char *target)
{
    char full[2 * TREE_PATH];
    tree_parent(t, path);
    tree_path(t, path, full);
    assert_int_equal(symlink(target, full), 0);
}

static inline int
tree_open_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)type;
    (void)at;
    return S_ISLNK(st->st_mode) ? 0 : chmod(path, S_ISDIR(st->st_mode) ? 0755 : 0644);
}

/* Lets every user read the tree. */
static inline void
tree_open(const struct tree *t)
{
    assert_int_equal(nftw(t->root, tree_open_one, 16, FTW_PHYS), 0);
}

static inline void
tree_put_in(const struct tree *t, const char *dir, const char *name, const char *text)
{
    char path[TREE_PATH];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    tree_put(t, path, text);
}

/* The folder of a device, its number, and the two ways that lead there. */
static inline void
tree_device(const struct tree *t, const char *dir, const char *name, const char *number)
{
    char path[TREE_PATH], target[TREE_PATH];
    tree_dir(t, dir);
    snprintf(path, sizeof path, "%s\n", number);
    tree_put_in(t, dir, "dev", path);
    snprintf(target, sizeof target, "../../%.*s", TREE_PATH - 8, dir + strlen("/sys/"));
    snprintf(path, sizeof path, "/sys/dev/block/%s", number);
    tree_link(t, path, target);
    snprintf(path, sizeof path, "/sys/class/block/%s", name);
    tree_link(t, path, target);
}

/* Links to the legs by class, which leads on to where they are. */
static inline void
tree_legs(const struct tree *t, const char *dir, char *const *legs, int n)
{
    for (int i = 0; i < n; i++) {
        char path[TREE_PATH], target[TREE_PATH];
        snprintf(path, sizeof path, "%s/slaves/%s", dir, legs[i]);
        snprintf(target, sizeof target, "../../../class/block/%s", legs[i]);
        tree_link(t, path, target);
    }
}

/* A word with its underscores as blanks, as a line. */
static inline void
tree_blanks(char out[static TREE_PATH], const char *word)
{
    snprintf(out, TREE_PATH, "%s\n", word);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
}

static inline void
tree_line(const struct tree *t, char *const *w, int n)
{
    char dir[TREE_PATH], text[TREE_PATH];
    bool part = strcmp(w[0], "part") == 0;
    assert_true(n >= 3);
    snprintf(dir, sizeof dir, "/sys/devices/%s%s%s", part ? w[3] : "", part ? "/" : "", w[1]);
    tree_device(t, dir, w[1], w[2]);
    if (part) {
        tree_put_in(t, dir, "partition", "1\n");
    } else if (strcmp(w[0], "dm") == 0) {
        snprintf(text, sizeof text, "%s\n", w[3]);
        tree_put_in(t, dir, "dm/name", text);
        snprintf(text, sizeof text, "%s\n", strcmp(w[4], "-") == 0 ? "" : w[4]);
        tree_put_in(t, dir, "dm/uuid", text);
        tree_legs(t, dir, w + 5, n - 5);
    } else if (strcmp(w[0], "md") == 0) {
        snprintf(text, sizeof text, "%s\n", w[3]);
        tree_put_in(t, dir, "md/level", text);
        tree_legs(t, dir, w + 4, n - 4);
    } else if (strcmp(w[0], "any") == 0) {
        tree_legs(t, dir, w + 3, n - 3);
    } else if (strcmp(w[0], "loop") == 0) {
        tree_blanks(text, w[3]);
        tree_put_in(t, dir, "loop/backing_file", text);
    } else if (strcmp(w[0], "zram") == 0 && strcmp(w[3], "-") != 0) {
        snprintf(text, sizeof text, "%s\n", w[3]);
        tree_put_in(t, dir, "backing_dev", text);
    } else if (strcmp(w[0], "disk") == 0 && n > 3) {
        tree_blanks(text, w[3]);
        tree_put_in(t, dir, "device/model", text);
    }
}

static inline void
tree_devices(const struct tree *t, const char *lines)
{
    char copy[4096], *save = NULL;
    snprintf(copy, sizeof copy, "%s", lines);
    for (char *line = strtok_r(copy, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *words[TREE_WORDS], *at = NULL;
        int n = 0;
        for (char *w = strtok_r(line, " ", &at); w != NULL && n < TREE_WORDS;
             w = strtok_r(NULL, " ", &at))
            words[n++] = w;
        tree_line(t, words, n);
    }
}

/* A value as one line of text, so that a test can state the whole of it. */
static inline void
tree_show(const struct rdt_node *node, struct rdt_buf *out)
{
    if (node == NULL || node->kind == RDT_NODE_NULL) {
        rdt_buf_str(out, "null");
        return;
    }
    if (node->kind == RDT_NODE_SCALAR) {
        rdt_buf_str(out, rdt_node_text(node));
        return;
    }
    rdt_buf_str(out, node->kind == RDT_NODE_MAP ? "{" : "[");
    for (size_t i = 0; i < node->n; i++) {
        if (i != 0)
            rdt_buf_str(out, ", ");
        if (node->kind == RDT_NODE_MAP)
            rdt_buf_fmt(out, "%.*s: ", RDT_FMT(node->members[i].key));
        tree_show(node->members[i].node, out);
    }
    rdt_buf_str(out, node->kind == RDT_NODE_MAP ? "}" : "]");
}

/* Fails with both texts when the one does not hold the other. */
static inline void
assert_holds(const char *what, const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s: '%s' does not hold '%s'", what, text, part);
}

#endif
