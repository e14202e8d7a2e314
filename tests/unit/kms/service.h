/* service.h - a service in a folder of its own, and a thread to run its calls. */
#ifndef RDT_TEST_KMS_SERVICE_H
#define RDT_TEST_KMS_SERVICE_H

#include "kms/call_internal.h"

#include "../test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW_MS ((int64_t)1800000000000)

static char folder[64];
static struct rdt_kms *kms;
static struct rdt_kms_thread *thread;

static inline int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int
set_up(void **state)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    static const uint8_t deployment[16] = {1};
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    struct rdt_kms_new site = {.account = "000000000000", .region = "local-1"};
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-service-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rdt_root_create(deployment, &seal, NULL, &root, &open, NULL), RDT_OK);
    struct rdt_kms_opts opts = {.data = folder, .root = root, .open = open};
    assert_int_equal(rdt_kms_make(&opts, &site, NULL), RDT_OK);
    assert_int_equal(rdt_kms_open(&opts, &kms, NULL), RDT_OK);
    return rdt_kms_thread_open(kms, &thread, NULL) == RDT_OK ? 0 : -1;
}

static inline int
tear_down(void **state)
{
    (void)state;
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
