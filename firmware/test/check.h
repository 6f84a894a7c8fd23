/*
 * The tests' harness, for two worlds: WebAssembly, where each test is an export that runs in an
 * instance of its own and traps when it fails (core.test.ts), and native, where each runs in a
 * process of its own (native_main.c). A failed check ends the test at once.
 */
#ifndef TC_CHECK_H
#define TC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __wasm__
#define TC_EXPORT(name) __attribute__((export_name(name)))
#define TC_TEST(name)                                                                              \
    TC_EXPORT("test_" #name) void test_##name(void);                                               \
    void test_##name(void)
#else
#define TC_EXPORT(name)
#define TC_TEST(name)                                                                              \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void register_##name(void) {                               \
        tc_test_register(#name, test_##name);                                                      \
    }                                                                                              \
    static void test_##name(void)
#endif

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            tc_check_failed(__FILE__, __LINE__, #x);                                               \
        }                                                                                          \
    } while (0)
/** Two integers, of any type. */
#define CHECK_EQ(got, wanted)                                                                      \
    tc_check_equal(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))
/** Two strings with a NUL. */
#define CHECK_STR(got, wanted) CHECK_TEXT(got, strlen(got), wanted)
/** `length` bytes against a string with a NUL. */
#define CHECK_TEXT(got, length, wanted)                                                            \
    tc_check_text(__FILE__, __LINE__, #got, got, length, wanted, strlen(wanted))
#define CHECK_BYTES(got, wanted, length)                                                           \
    tc_check_text(__FILE__, __LINE__, #got, (const char *)(got), length, (const char *)(wanted),   \
                  length)

_Noreturn void tc_check_failed(const char *file, int line, const char *what);
void tc_check_equal(const char *file, int line, const char *what, long long got, long long wanted);
void tc_check_text(const char *file, int line, const char *what, const char *got, size_t got_length,
                   const char *wanted, size_t wanted_length);
/** Native only. */
void tc_test_register(const char *name, void (*run)(void));

/** A pseudo-random number (xorshift32), for tests that try much; `*state` is the seed and is not 0.
 */
static inline unsigned tc_test_random(unsigned *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
