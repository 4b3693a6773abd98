/* SPDX-License-Identifier: MIT */
/*
 * cipher_limit ENCTYPE SECONDS WORK...: gss_bench's works with messages, done by OpenSSL's cipher and hash alone, one after
 * the other, with contexts that are kept: the distance of a mechanism from it is its own cost. Other works are passed over.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_samples = 4096, block = 16 };
enum direction { hashes, seals, opens };

struct primitives {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void must(int done)
{
    if (done <= 0) {
        fprintf(stderr, "cipher_limit: OpenSSL refuses\n");
        exit(1);
    }
}

static struct primitives primitives_of(long enctype)
{
    static const unsigned char key[64], vector[block];
    const char *const cipher = enctype == 17 || enctype == 19 ? "AES-128-CBC" : "AES-256-CBC";
    const char *const hash = enctype == 19 ? "SHA256" : enctype == 20 ? "SHA384" : "SHA1";
    struct primitives made = {EVP_CIPHER_CTX_new(), NULL};
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM parameters[2] = {OSSL_PARAM_construct_utf8_string("digest", (char *)hash, 0), OSSL_PARAM_construct_end()};
    if (enctype < 17 || enctype > 20)
        exit(2);
    must(fetched != NULL && hmac != NULL && made.cipher != NULL);
    must(EVP_CipherInit_ex2(made.cipher, fetched, key, vector, 1, NULL));
    made.mac = EVP_MAC_CTX_new(hmac);
    must(made.mac != NULL && EVP_MAC_init(made.mac, key, 32, parameters));
    EVP_CIPHER_free(fetched);
    EVP_MAC_free(hmac);
    return made;
}

static void once(const struct primitives *use, enum direction direction, unsigned char *message, size_t size)
{
    static const unsigned char vector[block];
    unsigned char digest[64];
    size_t length;
    int done;
    if (direction != hashes) {
        must(EVP_CipherInit_ex(use->cipher, NULL, NULL, NULL, vector, direction == seals));
        must(EVP_CipherUpdate(use->cipher, message, &done, message, (int)(size < block ? block : size / block * block)));
    }
    must(EVP_MAC_init(use->mac, NULL, 0, NULL));
    must(EVP_MAC_update(use->mac, message, size));
    must(EVP_MAC_final(use->mac, digest, &length, sizeof digest));
}

static void run(const struct primitives *use, const char *work, size_t size, enum direction direction, double seconds)
{
    static double samples[most_samples];
    const int batch = size <= 1024 ? 64 : size <= 65536 ? 4 : 1;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    unsigned char *message = calloc(1, size + block);
    size_t count = 0;
    must(message != NULL);
    do {
        const int64_t begun = now();
        for (int i = 0; i < batch; ++i)
            once(use, direction, message, size);
        samples[count++] = (double)(now() - begun) / batch;
    } while (now() < last && count < most_samples);
    qsort(samples, count, sizeof samples[0], compare);
    printf("%s %zu %.1f %.1f %.1f\n", work, count, samples[count / 2], samples[count / 4], samples[count * 3 / 4]);
    free(message);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *start;
        enum direction direction;
    } works[] = {{"wrap-", seals},       {"unwrap-", opens}, {"iov-wrap-", seals},
                 {"iov-unwrap-", opens}, {"mic-", hashes},   {"verify-", hashes}};
    if (argc < 4) {
        fprintf(stderr, "usage: cipher_limit ENCTYPE SECONDS WORK...\n");
        return 2;
    }
    const struct primitives use = primitives_of(strtol(argv[1], NULL, 10));
    for (int i = 3; i < argc; ++i) {
        for (size_t w = 0; w < sizeof works / sizeof works[0]; ++w) {
            const size_t length = strlen(works[w].start);
            if (strncmp(argv[i], works[w].start, length) == 0)
                run(&use, argv[i], strtoul(argv[i] + length, NULL, 10), works[w].direction, strtod(argv[2], NULL));
        }
    }
    EVP_CIPHER_CTX_free(use.cipher);
    EVP_MAC_CTX_free(use.mac);
    return 0;
}
