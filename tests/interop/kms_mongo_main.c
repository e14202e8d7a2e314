/*
 * kms_mongo_main make|use FILE - libmongocrypt's explicit encryption with an AWS master key, as a
 * MongoDB driver drives it: the library makes each request and reads each answer byte by byte, this
 * program carries them over TLS.
 *
 *   make   a new data key, wrapped by the key service; its document goes to FILE
 *   use    encrypt a value and decrypt it, each by a library that has to ask for the key of FILE
 *
 * The environment has KMS_ENDPOINT (HOST:PORT), KMS_KEY (ARN), KMS_REGION, KMS_CA,
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. What the library says when it is refused goes to
 * stderr; status 4.
 */
#include <bson/bson.h>
#include <mongocrypt.h>
#include <openssl/ssl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
#define VALUE "a patient's name"

static const char *
env(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

static int
complain(const char *doing, const char *words)
{
    fprintf(stderr, "kms_mongo_main: %s: %s\n", doing, words);
    return 4;
}

/* ---- bytes ---- */

static mongocrypt_binary_t *
binary_of(const bson_t *doc)
{
    return mongocrypt_binary_new_from_data((uint8_t *)(uintptr_t)bson_get_data(doc), doc->len);
}

static mongocrypt_t *
library(void)
{
    mongocrypt_t *crypt = mongocrypt_new();
    bson_t *providers = BCON_NEW("aws", "{", "accessKeyId", BCON_UTF8(env("AWS_ACCESS_KEY_ID")),
                                 "secretAccessKey", BCON_UTF8(env("AWS_SECRET_ACCESS_KEY")), "}");
    mongocrypt_binary_t *bytes = binary_of(providers);
    bool ok = mongocrypt_setopt_kms_providers(crypt, bytes) && mongocrypt_init(crypt);
    mongocrypt_binary_destroy(bytes);
    bson_destroy(providers);
    if (ok)
        return crypt;
    mongocrypt_destroy(crypt);
    return NULL;
}

/* ---- one request over TLS ---- */

static BIO *
dial(SSL_CTX *tls, const char *endpoint)
{
    SSL *ssl = NULL;
    BIO *bio = BIO_new_ssl_connect(tls);
    BIO_get_ssl(bio, &ssl);
    SSL_set_mode(ssl, SSL_MODE_AUTO_RETRY);
    BIO_set_conn_hostname(bio, endpoint);
    if (BIO_do_connect(bio) == 1 && BIO_do_handshake(bio) == 1)
        return bio;
    BIO_free_all(bio);
    return NULL;
}

static bool
feed(BIO *bio, mongocrypt_kms_ctx_t *kms)
{
    uint8_t bytes[4096];
    uint32_t wanted;
    while ((wanted = mongocrypt_kms_ctx_bytes_needed(kms)) != 0) {
        int n = BIO_read(bio, bytes, (int)(wanted < sizeof bytes ? wanted : sizeof bytes));
        if (n <= 0)
            return false;
        mongocrypt_binary_t *got = mongocrypt_binary_new_from_data(bytes, (uint32_t)n);
        bool ok = mongocrypt_kms_ctx_feed(kms, got);
        mongocrypt_binary_destroy(got);
        if (!ok)
            return true; /* the library has its reason, which the caller shows */
    }
    return true;
}

static bool
carry(SSL_CTX *tls, mongocrypt_kms_ctx_t *kms)
{
    const char *endpoint;
    mongocrypt_binary_t *message = mongocrypt_binary_new();
    bool ok =
        mongocrypt_kms_ctx_endpoint(kms, &endpoint) && mongocrypt_kms_ctx_message(kms, message);
    BIO *bio = ok ? dial(tls, endpoint) : NULL;
    int n = ok ? (int)mongocrypt_binary_len(message) : 0;
    ok = bio != NULL && BIO_write(bio, mongocrypt_binary_data(message), n) == n && feed(bio, kms);
    mongocrypt_binary_destroy(message);
    BIO_free_all(bio);
    return ok;
}

static int
ask_kms(SSL_CTX *tls, mongocrypt_ctx_t *ctx)
{
    mongocrypt_kms_ctx_t *kms;
    mongocrypt_status_t *status = mongocrypt_status_new();
    int result = 0;
    while (result == 0 && (kms = mongocrypt_ctx_next_kms_ctx(ctx)) != NULL) {
        if (!carry(tls, kms))
            result = complain("talk to the key service", "the connection failed");
        else if (!mongocrypt_kms_ctx_status(kms, status))
            result = complain("the key service", mongocrypt_status_message(status, NULL));
    }
    if (result == 0 && !mongocrypt_ctx_kms_done(ctx)) {
        mongocrypt_ctx_status(ctx, status);
        result = complain("the key service", mongocrypt_status_message(status, NULL));
    }
    mongocrypt_status_destroy(status);
    return result;
}

/* ---- the library's states ---- */

/* out: caller frees with bson_destroy(). key: the data key's document, or NULL. */
static int
drive(SSL_CTX *tls, mongocrypt_ctx_t *ctx, const bson_t *key, bson_t **out)
{
    for (;;) {
        mongocrypt_binary_t *bytes;
        int status;
        switch (mongocrypt_ctx_state(ctx)) {
        case MONGOCRYPT_CTX_NEED_KMS:
            status = ask_kms(tls, ctx);
            if (status != 0)
                return status;
            break;
        case MONGOCRYPT_CTX_NEED_MONGO_KEYS:
            bytes = binary_of(key);
            mongocrypt_ctx_mongo_feed(ctx, bytes);
            mongocrypt_ctx_mongo_done(ctx);
            mongocrypt_binary_destroy(bytes);
            break;
        case MONGOCRYPT_CTX_READY:
            bytes = mongocrypt_binary_new();
            if (mongocrypt_ctx_finalize(ctx, bytes))
                *out =
                    bson_new_from_data(mongocrypt_binary_data(bytes), mongocrypt_binary_len(bytes));
            mongocrypt_binary_destroy(bytes);
            return *out == NULL ? complain("finish", "no document") : 0;
        default: {
            mongocrypt_status_t *why = mongocrypt_status_new();
            mongocrypt_ctx_status(ctx, why);
            status = complain("libmongocrypt", mongocrypt_status_message(why, NULL));
            mongocrypt_status_destroy(why);
            return status;
        }
        }
    }
}

/* ---- make, use ---- */

static int
make(SSL_CTX *tls, bson_t **out)
{
    mongocrypt_t *crypt = library();
    mongocrypt_ctx_t *ctx = mongocrypt_ctx_new(crypt);
    bson_t *master =
        BCON_NEW("provider", BCON_UTF8("aws"), "region", BCON_UTF8(env("KMS_REGION")), "key",
                 BCON_UTF8(env("KMS_KEY")), "endpoint", BCON_UTF8(env("KMS_ENDPOINT")));
    mongocrypt_binary_t *bytes = binary_of(master);
    int status =
        mongocrypt_ctx_setopt_key_encryption_key(ctx, bytes) && mongocrypt_ctx_datakey_init(ctx)
            ? 0
            : complain("a data key", "refused by the library");
    if (status == 0)
        status = drive(tls, ctx, NULL, out);
    mongocrypt_binary_destroy(bytes);
    bson_destroy(master);
    mongocrypt_ctx_destroy(ctx);
    mongocrypt_destroy(crypt);
    return status;
}

/* Encrypts or decrypts the one value of a document with a new library, which has no key yet. */
static int
turn(SSL_CTX *tls, const bson_t *key, const bson_t *value, bool encrypt, bson_t **out)
{
    mongocrypt_t *crypt = library();
    mongocrypt_ctx_t *ctx = mongocrypt_ctx_new(crypt);
    mongocrypt_binary_t *bytes = binary_of(value);
    bson_iter_t at;
    bool ok = true;
    if (encrypt && (ok = bson_iter_init_find(&at, key, "_id"))) {
        const uint8_t *id;
        uint32_t n;
        bson_subtype_t type;
        bson_iter_binary(&at, &type, &n, &id);
        mongocrypt_binary_t *name = mongocrypt_binary_new_from_data((uint8_t *)(uintptr_t)id, n);
        ok = mongocrypt_ctx_setopt_key_id(ctx, name) &&
             mongocrypt_ctx_setopt_algorithm(ctx, ALGORITHM, -1);
        mongocrypt_binary_destroy(name);
    }
    ok = ok && (encrypt ? mongocrypt_ctx_explicit_encrypt_init(ctx, bytes)
                        : mongocrypt_ctx_explicit_decrypt_init(ctx, bytes));
    int status = ok ? drive(tls, ctx, key, out) : complain("a value", "refused by the library");
    mongocrypt_binary_destroy(bytes);
    mongocrypt_ctx_destroy(ctx);
    mongocrypt_destroy(crypt);
    return status;
}

static int
use(SSL_CTX *tls, const bson_t *key)
{
    bson_t *plain = BCON_NEW("v", BCON_UTF8(VALUE)), *sealed = NULL, *opened = NULL;
    bson_iter_t at;
    int status = turn(tls, key, plain, true, &sealed);
    if (status == 0 && memmem(bson_get_data(sealed), sealed->len, VALUE, strlen(VALUE)) != NULL)
        status = complain("encrypt", "the value is not hidden");
    if (status == 0)
        status = turn(tls, key, sealed, false, &opened);
    if (status == 0 && !(bson_iter_init_find(&at, opened, "v") && BSON_ITER_HOLDS_UTF8(&at) &&
                         strcmp(bson_iter_utf8(&at, NULL), VALUE) == 0))
        status = complain("decrypt", "another value came back");
    bson_destroy(plain);
    bson_destroy(sealed);
    bson_destroy(opened);
    return status;
}

static bson_t *
read_key(const char *path)
{
    uint8_t bytes[16384];
    FILE *file = fopen(path, "rb");
    size_t n = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file != NULL)
        fclose(file);
    return bson_new_from_data(bytes, n);
}

static int
write_key(const char *path, const bson_t *key)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(bson_get_data(key), 1, key->len, file) == key->len;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    return ok ? 0 : complain(path, "cannot be written");
}

int
main(int argc, char **argv)
{
    bool making = argc == 3 && strcmp(argv[1], "make") == 0;
    bson_t *key = NULL;
    int status = 3;
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    if (argc != 3 || (!making && strcmp(argv[1], "use") != 0)) {
        fprintf(stderr, "usage: kms_mongo_main make|use FILE\n");
    } else if (SSL_CTX_load_verify_locations(tls, env("KMS_CA"), NULL) != 1) {
        status = complain(env("KMS_CA"), "no certificates");
    } else if (making) {
        status = make(tls, &key);
        if (status == 0)
            status = write_key(argv[2], key);
    } else {
        key = read_key(argv[2]);
        status = key == NULL ? complain(argv[2], "no document") : use(tls, key);
    }
    bson_destroy(key);
    SSL_CTX_free(tls);
    if (status == 0)
        puts("done");
    return status;
}
