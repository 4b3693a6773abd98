/* SPDX-License-Identifier: MIT */
/*
 * gss_bench SERVICE SECONDS [WORK...]: what GSS-API calls cost, on the pure API. The same source is compiled against MIT's
 * and Heimdal's library. Both sides of each context live in this process. Each work runs for SECONDS; a line of the output
 * is `WORK SAMPLES MEDIAN LOW HIGH`: nanoseconds of one operation, the median of batches, and the quartiles.
 *
 * Works: init, accept and handshake (with credentials held), acquire (handshake, credentials acquired each time), threads-N
 * (accepts by N threads that share a credential: wall time for one), transfer (export and import of a context), and
 * wrap-S, unwrap-S, iov-wrap-S, iov-unwrap-S, mic-S, verify-S for messages of S octets.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gss_calls.h"

enum { most_samples = 4096, most_threads = 16 };

static const char *service;
static double seconds;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Samples of one kind of work. */
struct samples {
    double each[most_samples];
    size_t count;
};

static void add(struct samples *samples, double sample)
{
    if (samples->count < most_samples)
        samples->each[samples->count++] = sample;
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void tell(const char *work, struct samples *samples)
{
    if (samples->count == 0) {
        fprintf(stderr, "%s: no sample\n", work);
        exit(1);
    }
    qsort(samples->each, samples->count, sizeof samples->each[0], compare);
    printf("%s %zu %.1f %.1f %.1f\n", work, samples->count, samples->each[samples->count / 2],
           samples->each[samples->count / 4], samples->each[samples->count * 3 / 4]);
    fflush(stdout);
    samples->count = 0;
}

/* A handshake; adds the time of each side's calls. */
static void shake_hands(struct sides *sides, gss_cred_id_t initiator, gss_cred_id_t acceptor)
{
    OM_uint32 minor;
    gss_buffer_desc request = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, nothing = GSS_C_EMPTY_BUFFER;
    const int64_t begun = now();
    initiate(&sides->initiator, initiator, GSS_C_NO_BUFFER, &request);
    const int64_t requested = now();
    accept_request(&sides->acceptor, acceptor, &request, &reply);
    const int64_t accepted = now();
    initiate(&sides->initiator, initiator, &reply, &nothing);
    sides->init += now() - accepted + requested - begun;
    sides->accept += accepted - requested;
    gss_release_buffer(&minor, &request);
    gss_release_buffer(&minor, &reply);
    gss_release_buffer(&minor, &nothing);
}

static void work_handshakes(void)
{
    enum { batch = 20 };
    static struct samples init, accept, whole;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        struct sides sides = {GSS_C_NO_CONTEXT, GSS_C_NO_CONTEXT, 0, 0};
        const int64_t begun = now();
        for (int i = 0; i < batch; ++i) {
            shake_hands(&sides, initiators, acceptors);
            end(&sides);
        }
        add(&whole, (double)(now() - begun) / batch);
        add(&init, (double)sides.init / batch);
        add(&accept, (double)sides.accept / batch);
    } while (now() < last);
    tell("init", &init);
    tell("accept", &accept);
    tell("handshake", &whole);
}

static void work_acquire(void)
{
    enum { batch = 10 };
    static struct samples samples;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        const int64_t begun = now();
        for (int i = 0; i < batch; ++i) {
            OM_uint32 minor;
            struct sides sides = {GSS_C_NO_CONTEXT, GSS_C_NO_CONTEXT, 0, 0};
            gss_cred_id_t initiator = GSS_C_NO_CREDENTIAL, acceptor = GSS_C_NO_CREDENTIAL;
            acquire(GSS_C_INITIATE, &initiator);
            acquire(GSS_C_ACCEPT, &acceptor);
            shake_hands(&sides, initiator, acceptor);
            end(&sides);
            gss_release_cred(&minor, &initiator);
            gss_release_cred(&minor, &acceptor);
        }
        add(&samples, (double)(now() - begun) / batch);
    } while (now() < last);
    tell("acquire", &samples);
}

/* A thread's share of requests. */
struct share {
    gss_buffer_desc *requests;
    int count;
    pthread_barrier_t *barrier;
};

static void *accept_share(void *given)
{
    const struct share *share = given;
    pthread_barrier_wait(share->barrier);
    for (int i = 0; i < share->count; ++i) {
        OM_uint32 minor;
        gss_ctx_id_t context = GSS_C_NO_CONTEXT;
        gss_buffer_desc reply = GSS_C_EMPTY_BUFFER;
        accept_request(&context, acceptors, &share->requests[i], &reply);
        gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
        gss_release_buffer(&minor, &reply);
    }
    pthread_barrier_wait(share->barrier);
    return NULL;
}

/* Requests are made before, so that only accepts count. */
static void work_threads(const char *work, int threads)
{
    enum { each = 100 };
    static struct samples samples;
    static gss_buffer_desc requests[most_threads * each];
    pthread_t running[most_threads];
    struct share shares[most_threads];
    pthread_barrier_t barrier;
    OM_uint32 minor;
    if (threads < 1 || threads > most_threads)
        exit(2);
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        for (int i = 0; i < threads * each; ++i) {
            gss_ctx_id_t context = GSS_C_NO_CONTEXT;
            initiate(&context, initiators, GSS_C_NO_BUFFER, &requests[i]);
            gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
        }
        for (int i = 0; i < threads; ++i) {
            shares[i] = (struct share){requests + i * each, each, &barrier};
            if (pthread_create(&running[i], NULL, accept_share, &shares[i]) != 0)
                exit(1);
        }
        pthread_barrier_wait(&barrier);
        const int64_t begun = now();
        pthread_barrier_wait(&barrier);
        add(&samples, (double)(now() - begun) / (threads * each));
        for (int i = 0; i < threads; ++i)
            pthread_join(running[i], NULL);
        for (int i = 0; i < threads * each; ++i)
            gss_release_buffer(&minor, &requests[i]);
    } while (now() < last);
    pthread_barrier_destroy(&barrier);
    tell(work, &samples);
}

static void work_transfer(struct sides *sides)
{
    enum { batch = 50 };
    static struct samples samples;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        const int64_t begun = now();
        for (int i = 0; i < batch; ++i) {
            OM_uint32 minor;
            gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
            must("gss_export_sec_context", gss_export_sec_context(&minor, &sides->acceptor, &token), &minor);
            must("gss_import_sec_context", gss_import_sec_context(&minor, &token, &sides->acceptor), &minor);
            gss_release_buffer(&minor, &token);
        }
        add(&samples, (double)(now() - begun) / batch);
    } while (now() < last);
    tell("transfer", &samples);
}

/* How many operations a sample takes: about 100 microseconds' worth and more. */
static int batch_for(size_t size)
{
    return size <= 1024 ? 64 : size <= 65536 ? 4 : 1;
}

/* One side makes tokens, the other takes them; `takes` says which of the two is measured. */
static void work_tokens(const char *work, struct sides *sides, size_t size, int takes,
                        void (*make)(struct sides *, gss_buffer_t, gss_buffer_t),
                        void (*take)(struct sides *, gss_buffer_t, gss_buffer_t))
{
    static struct samples samples;
    const int batch = batch_for(size);
    gss_buffer_desc tokens[64], message = {size, calloc(1, size)};
    OM_uint32 minor;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        const int64_t begun = now();
        for (int i = 0; i < batch; ++i)
            make(sides, &message, &tokens[i]);
        const int64_t made = now();
        for (int i = 0; i < batch; ++i)
            take(sides, &message, &tokens[i]);
        add(&samples, (double)(takes ? now() - made : made - begun) / batch);
        for (int i = 0; i < batch; ++i)
            gss_release_buffer(&minor, &tokens[i]);
    } while (now() < last);
    free(message.value);
    tell(work, &samples);
}

static void work_wrap(const char *work, struct sides *sides, size_t size, int opens)
{
    work_tokens(work, sides, size, opens, wrap, unwrap);
}

static void work_mic(const char *work, struct sides *sides, size_t size, int verifies)
{
    work_tokens(work, sides, size, verifies, get_mic, verify_mic);
}

/* In place, header and trailer in one buffer each, as file systems and RPC call it. */
static void work_iov(const char *work, struct sides *sides, size_t size, int opens)
{
    static struct samples samples;
    const int batch = batch_for(size);
    unsigned char *message = calloc(1, size), header[256], padding[64], trailer[256];
    OM_uint32 minor;
    const int64_t last = now() + (int64_t)(seconds * 1e9);
    do {
        int64_t sealing = 0, opening = 0;
        for (int i = 0; i < batch; ++i) {
            gss_iov_buffer_desc parts[4] = {{GSS_IOV_BUFFER_TYPE_HEADER, {sizeof header, header}},
                                            {GSS_IOV_BUFFER_TYPE_DATA, {size, message}},
                                            {GSS_IOV_BUFFER_TYPE_PADDING, {sizeof padding, padding}},
                                            {GSS_IOV_BUFFER_TYPE_TRAILER, {sizeof trailer, trailer}}};
            must("gss_wrap_iov_length", gss_wrap_iov_length(&minor, sides->initiator, 1, 0, NULL, parts, 4), &minor);
            parts[0].buffer.value = header; /* MIT's query of lengths takes the octets away */
            parts[2].buffer.value = padding;
            parts[3].buffer.value = trailer;
            const int64_t begun = now();
            must("gss_wrap_iov", gss_wrap_iov(&minor, sides->initiator, 1, 0, NULL, parts, 4), &minor);
            const int64_t sealed = now();
            must("gss_unwrap_iov", gss_unwrap_iov(&minor, sides->acceptor, NULL, NULL, parts, 4), &minor);
            opening += now() - sealed;
            sealing += sealed - begun;
        }
        add(&samples, (double)(opens ? opening : sealing) / batch);
    } while (now() < last);
    free(message);
    tell(work, &samples);
}

/* The size behind a work's name, if it begins so; else 0. */
static size_t size_of(const char *work, const char *start)
{
    const size_t length = strlen(start);
    return strncmp(work, start, length) == 0 ? strtoul(work + length, NULL, 10) : 0;
}

static void run(const char *work, struct sides *sides)
{
    static const struct {
        const char *start;
        void (*work)(const char *, struct sides *, size_t, int);
        int second;
    } sized[] = {{"wrap-", work_wrap, 0},         {"unwrap-", work_wrap, 1}, {"iov-wrap-", work_iov, 0},
                 {"iov-unwrap-", work_iov, 1},    {"mic-", work_mic, 0},     {"verify-", work_mic, 1}};
    if (strcmp(work, "handshake") == 0) {
        work_handshakes();
        return;
    }
    if (strcmp(work, "acquire") == 0) {
        work_acquire();
        return;
    }
    if (strcmp(work, "transfer") == 0) {
        work_transfer(sides);
        return;
    }
    if (size_of(work, "threads-") != 0) {
        work_threads(work, (int)size_of(work, "threads-"));
        return;
    }
    for (size_t i = 0; i < sizeof sized / sizeof sized[0]; ++i) {
        const size_t size = size_of(work, sized[i].start);
        if (size != 0) {
            sized[i].work(work, sides, size, sized[i].second);
            return;
        }
    }
    fprintf(stderr, "gss_bench: there is no work \"%s\"\n", work);
    exit(2);
}

int main(int argc, char **argv)
{
    OM_uint32 minor;
    struct sides sides = {GSS_C_NO_CONTEXT, GSS_C_NO_CONTEXT, 0, 0};
    if (argc < 4) {
        fprintf(stderr, "usage: gss_bench SERVICE SECONDS WORK...\n");
        return 2;
    }
    service = argv[1];
    seconds = strtod(argv[2], NULL);
    gss_buffer_desc name = {strlen(service), (void *)service};
    must("gss_import_name", gss_import_name(&minor, &name, &host_based, &target), &minor);
    acquire(GSS_C_INITIATE, &initiators);
    acquire(GSS_C_ACCEPT, &acceptors);
    shake_hands(&sides, initiators, acceptors);
    for (int i = 3; i < argc; ++i)
        run(argv[i], &sides);
    end(&sides);
    /* Whoever reads this looks at which mechanism this process has, then closes our input. */
    fclose(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
