/* SPDX-License-Identifier: MIT */
/*
 * gss_costs SERVICE WORK...: does each work, so that t_costs.py can count what it costs. Both sides of each context live in
 * this process. SERVICE is the name of a service (service@host), or of a principal if it has a slash.
 *
 * Works: init (both of its calls), accept, and wrap-S, unwrap-S, mic-S, verify-S for messages of S octets, with warm caches
 * and credentials held; and known, whose costs are those of `do_what_is_known`.
 *
 * Only what stands between begin() and finish() is to be counted. Callgrind is told so and makes a dump after each batch of
 * operations. For strace there are writes to no descriptor: `begin` and `finish`, and `done WORK` behind each operation.
 * Allocations are counted here: `WORK MEDIAN` is a line of the output.
 */
#include <string.h>
#include <unistd.h>

#include "gss_calls.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else /* without valgrind there is nobody to tell */
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

enum { warming = 10, batches = 15, batch = 4 };

static gss_OID_desc krb5_principal = {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"};
static int counts;
static size_t allocations;

/* All of the process comes by here: the module, the libraries and the program itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *octets, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    allocations += (size_t)counts;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations += (size_t)counts;
    return __libc_calloc(count, size);
}

void *realloc(void *octets, size_t size)
{
    allocations += (size_t)counts;
    return __libc_realloc(octets, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations += (size_t)counts;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **octets, size_t alignment, size_t size)
{
    *octets = aligned_alloc(alignment, size);
    return *octets == NULL ? 12 : 0;
}

static void mark(const char *text)
{
    if (write(-1, text, strlen(text)) != -1)
        exit(1);
}

static void begin(void)
{
    mark("begin");
    counts = 1;
    CALLGRIND_TOGGLE_COLLECT;
}

static void finish(void)
{
    CALLGRIND_TOGGLE_COLLECT;
    counts = 0;
    mark("finish");
}

/* A work, and what its name says. */
struct work {
    const char *name;
    void (*once)(const struct work *, struct sides *);
    void (*make)(struct sides *, gss_buffer_t, gss_buffer_t);
    void (*take)(struct sides *, gss_buffer_t, gss_buffer_t);
    int takes;
    size_t size;
};

/* The initiator's two calls, or the acceptor's one. */
static void shake_hands(struct sides *sides, int initiates)
{
    OM_uint32 minor;
    gss_buffer_desc request = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, nothing = GSS_C_EMPTY_BUFFER;
    if (initiates)
        begin();
    initiate(&sides->initiator, initiators, GSS_C_NO_BUFFER, &request);
    (initiates ? finish : begin)();
    accept_request(&sides->acceptor, acceptors, &request, &reply);
    (initiates ? begin : finish)();
    initiate(&sides->initiator, initiators, &reply, &nothing);
    if (initiates)
        finish();
    gss_release_buffer(&minor, &request);
    gss_release_buffer(&minor, &reply);
    gss_release_buffer(&minor, &nothing);
}

static void do_handshake(const struct work *work, struct sides *unused)
{
    struct sides sides = {GSS_C_NO_CONTEXT, GSS_C_NO_CONTEXT, 0, 0};
    (void)unused;
    shake_hands(&sides, work->takes == 0);
    end(&sides);
}

static void do_token(const struct work *work, struct sides *sides)
{
    static char octets[65536];
    OM_uint32 minor;
    gss_buffer_desc message = {work->size, octets}, token = GSS_C_EMPTY_BUFFER;
    if (!work->takes)
        begin();
    work->make(sides, &message, &token);
    (work->takes ? begin : finish)();
    work->take(sides, &message, &token);
    if (work->takes)
        finish();
    gss_release_buffer(&minor, &token);
}

/* Three allocations, two system calls, and at least 10,000 instructions. */
static void do_what_is_known(const struct work *work, struct sides *sides)
{
    void *volatile octets[3];
    (void)work;
    (void)sides;
    begin();
    octets[0] = malloc(10);
    octets[1] = realloc(octets[0], 20);
    octets[2] = calloc(1, 10);
    (void)getppid();
    (void)getppid();
    for (volatile int i = 0; i < 2500; ++i)
        ;
    finish();
    free(octets[1]);
    free(octets[2]);
}

static int compare(const void *one, const void *other)
{
    const size_t a = *(const size_t *)one, b = *(const size_t *)other;
    return (a > b) - (a < b);
}

static void run(const struct work *work, struct sides *sides)
{
    size_t each[batches * batch];
    char done[64];
    snprintf(done, sizeof done, "done %s", work->name);
    for (int i = 0; i < warming; ++i)
        work->once(work, sides);
    mark("warm");
    CALLGRIND_ZERO_STATS;
    for (int i = 0; i < batches * batch; ++i) {
        allocations = 0;
        work->once(work, sides);
        each[i] = allocations;
        mark(done);
        if (i % batch == batch - 1)
            CALLGRIND_DUMP_STATS_AT(work->name);
    }
    qsort(each, batches * batch, sizeof each[0], compare);
    printf("%s %zu\n", work->name, each[batches * batch / 2]);
    fflush(stdout);
}

static struct work find(const char *name)
{
    static const struct work works[] = {
        {"init", do_handshake, NULL, NULL, 0, 0},        {"accept", do_handshake, NULL, NULL, 1, 0},
        {"known", do_what_is_known, NULL, NULL, 0, 0},   {"wrap-", do_token, wrap, unwrap, 0, 0},
        {"unwrap-", do_token, wrap, unwrap, 1, 0},       {"mic-", do_token, get_mic, verify_mic, 0, 0},
        {"verify-", do_token, get_mic, verify_mic, 1, 0}};
    for (size_t i = 0; i < sizeof works / sizeof works[0]; ++i) {
        const size_t length = strlen(works[i].name);
        struct work found = works[i];
        if (strncmp(name, found.name, length) != 0)
            continue;
        found.size = strtoul(name + length, NULL, 10);
        found.name = name;
        if (found.make == NULL ? name[length] == '\0' : found.size > 0 && found.size <= 65536)
            return found;
    }
    fprintf(stderr, "gss_costs: there is no work \"%s\"\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    OM_uint32 minor;
    struct sides sides = {GSS_C_NO_CONTEXT, GSS_C_NO_CONTEXT, 0, 0};
    gss_buffer_desc request = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, nothing = GSS_C_EMPTY_BUFFER;
    if (argc < 3) {
        fprintf(stderr, "usage: gss_costs SERVICE WORK...\n");
        return 2;
    }
    gss_buffer_desc name = {strlen(argv[1]), argv[1]};
    const gss_OID type = strchr(argv[1], '/') != NULL ? &krb5_principal : &host_based;
    must("gss_import_name", gss_import_name(&minor, &name, type, &target), &minor);
    acquire(GSS_C_INITIATE, &initiators);
    acquire(GSS_C_ACCEPT, &acceptors);
    initiate(&sides.initiator, initiators, GSS_C_NO_BUFFER, &request);
    accept_request(&sides.acceptor, acceptors, &request, &reply);
    initiate(&sides.initiator, initiators, &reply, &nothing);
    CALLGRIND_START_INSTRUMENTATION;
    for (int i = 2; i < argc; ++i) {
        const struct work work = find(argv[i]);
        run(&work, &sides);
    }
    end(&sides);
    return 0;
}
