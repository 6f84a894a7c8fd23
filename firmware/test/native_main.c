/* Runs the tests natively, each in a process of its own: ./tests [part of a name] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static struct {
    const char *name;
    void (*run)(void);
} tests[1000];
static int count;

void tc_test_register(const char *name, void (*run)(void)) {
    if (count == (int)(sizeof tests / sizeof tests[0])) {
        fprintf(stderr, "native_main.c has no room for so many tests\n");
        exit(2);
    }
    tests[count].name = name;
    tests[count++].run = run;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int main(int argc, char **argv) {
    int passed = 0, failed = 0;
    qsort(tests, (size_t)count, sizeof tests[0], by_name);
    for (int i = 0; i < count; i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            tests[i].run();
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            printf("FAILED %s\n", tests[i].name);
            failed++;
        } else {
            passed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
