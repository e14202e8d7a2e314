#include "net/server_internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKETS ((size_t)4096)

/*
 * One network has many addresses, so what counts is the prefix that is usually given to one owner:
 * /24 of IPv4, /56 of IPv6. A prefix without connections takes no memory, and there are never more
 * of them than connections.
 */
struct rdt_source {
    struct rdt_source *next;
    uint64_t prefix;
    unsigned conns, shakes;
};

struct rdt_sources {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose addresses that share a bucket */
    struct rdt_source *buckets[BUCKETS];
};

struct rdt_sources *
rdt_sources_new(void)
{
    struct rdt_sources *sources = calloc(1, sizeof *sources);
    if (sources == NULL)
        return NULL;
    if (getrandom(&sources->seed, sizeof sources->seed, 0) != (ssize_t)sizeof sources->seed ||
        pthread_mutex_init(&sources->lock, NULL) != 0) {
        free(sources);
        return NULL;
    }
    return sources;
}

void
rdt_sources_free(struct rdt_sources *sources)
{
    if (sources == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (sources->buckets[i] != NULL) {
            struct rdt_source *source = sources->buckets[i];
            sources->buckets[i] = source->next;
            free(source);
        }
    }
    pthread_mutex_destroy(&sources->lock);
    free(sources);
}

static uint64_t
prefix4(const uint8_t *addr)
{
    return UINT64_C(4) << 56 | (uint64_t)addr[0] << 16 | (uint64_t)addr[1] << 8 | addr[2];
}

/* False for a peer without an address. */
static bool
prefix_of(const struct sockaddr_storage *peer, uint64_t *out)
{
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)peer;
        *out = prefix4((const uint8_t *)&in->sin_addr);
        return true;
    }
    if (peer->ss_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const void *)peer;
    const uint8_t *addr = in6->sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        *out = prefix4(addr + 12);
        return true;
    }
    uint64_t prefix = 6;
    for (int i = 0; i < 7; i++)
        prefix = prefix << 8 | addr[i];
    *out = prefix;
    return true;
}

static struct rdt_source **
bucket_of(struct rdt_sources *sources, uint64_t prefix)
{
    uint64_t h = (prefix ^ sources->seed) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93) ^ sources->seed >> 7;
    return &sources->buckets[(h ^ h >> 32) % BUCKETS];
}

/* Under the lock: the prefix's counts, made when there are none. */
static struct rdt_source *
source_at(struct rdt_sources *sources, uint64_t prefix)
{
    struct rdt_source **bucket = bucket_of(sources, prefix);
    for (struct rdt_source *s = *bucket; s != NULL; s = s->next)
        if (s->prefix == prefix)
            return s;
    struct rdt_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return NULL;
    source->prefix = prefix;
    source->next = *bucket;
    *bucket = source;
    return source;
}

bool
rdt_source_take(struct rdt_sources *sources, const struct sockaddr_storage *peer, bool shaking,
                struct rdt_source **out)
{
    uint64_t prefix = 0;
    *out = NULL;
    if (!prefix_of(peer, &prefix))
        return true;
    pthread_mutex_lock(&sources->lock);
    struct rdt_source *source = source_at(sources, prefix);
    bool ok = source != NULL && source->conns < RDT_SERVER_SOURCE_CONNS_MAX &&
              (!shaking || source->shakes < RDT_SERVER_SOURCE_HANDSHAKES_MAX);
    if (ok) {
        source->conns++;
        source->shakes += shaking;
        *out = source;
    }
    pthread_mutex_unlock(&sources->lock);
    return ok;
}

void
rdt_source_shaken(struct rdt_sources *sources, struct rdt_source *source)
{
    if (source == NULL)
        return;
    pthread_mutex_lock(&sources->lock);
    source->shakes--;
    pthread_mutex_unlock(&sources->lock);
}

void
rdt_source_drop(struct rdt_sources *sources, struct rdt_source *source, bool shaking)
{
    if (source == NULL)
        return;
    pthread_mutex_lock(&sources->lock);
    source->shakes -= shaking;
    if (--source->conns == 0) {
        struct rdt_source **at = bucket_of(sources, source->prefix);
        while (*at != source)
            at = &(*at)->next;
        *at = source->next;
        free(source);
    }
    pthread_mutex_unlock(&sources->lock);
}
