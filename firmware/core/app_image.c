#include "app_image.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC 0xE9
#define CHIP_AT 12
#define DESCRIPTOR_AT 32
#define DESCRIPTOR_MAGIC 0xABCD5432u
#define VERSION_AT (DESCRIPTOR_AT + 16)
#define PROJECT_AT (DESCRIPTOR_AT + 48)
#define TEXT_SIZE 32

/* A text that may fill its field; control characters, which no name has, become '?'. */
static void read_text(char out[TEXT_SIZE + 1], const uint8_t *at) {
    size_t length = 0;
    while (length < TEXT_SIZE && at[length] != 0) {
        uint8_t c = at[length];
        out[length++] = c < 0x20 || c >= 0x7F ? '?' : (char)c;
    }
    out[length] = '\0';
}

tc_err tc_app_image_read(const uint8_t head[TC_APP_HEAD], tc_app_image *out) {
    const uint8_t *d = head + DESCRIPTOR_AT;
    uint32_t magic =
        (uint32_t)d[0] | (uint32_t)d[1] << 8 | (uint32_t)d[2] << 16 | (uint32_t)d[3] << 24;
    if (head[0] != MAGIC || magic != DESCRIPTOR_MAGIC) {
        return TC_ERR_FORMAT;
    }
    out->chip = (uint16_t)(head[CHIP_AT] | head[CHIP_AT + 1] << 8);
    read_text(out->version, head + VERSION_AT);
    read_text(out->project, head + PROJECT_AT);
    return TC_OK;
}

/* ---- versions ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int sign(long difference) {
    return difference < 0 ? -1 : difference > 0;
}

/* Compares two runs of digits as numbers of any length, and passes over them. */
static int compare_numbers(const char **a, const char **b) {
    while (**a == '0' && is_digit((*a)[1])) {
        (*a)++;
    }
    while (**b == '0' && is_digit((*b)[1])) {
        (*b)++;
    }
    size_t length_a = strspn(*a, "0123456789"), length_b = strspn(*b, "0123456789");
    int order = length_a != length_b ? sign((long)length_a - (long)length_b)
                                     : sign(memcmp(*a, *b, length_a));
    *a += length_a;
    *b += length_b;
    return order;
}

/* Whether a text begins as MAJOR.MINOR.PATCH, and goes on as one may. */
static bool is_version(const char *text) {
    for (int i = 0; i < 3; i++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || (i < 2 && text[digits] != '.')) {
            return false;
        }
        text += digits + (i < 2 ? 1 : 0);
    }
    return *text == '\0' || *text == '-' || *text == '+';
}

static bool ends(char c) {
    return c == '\0' || c == '+';
}

static bool is_number(const char *at) {
    at += strspn(at, "0123456789");
    return *at == '.' || ends(*at);
}

/* Section 11.4: identifiers one by one; numbers before words; who has more of them is newer. */
static int compare_prerelease(const char *a, const char *b) {
    for (;;) {
        int order;
        if (is_number(a) && is_number(b)) {
            order = compare_numbers(&a, &b);
        } else if (is_number(a) != is_number(b)) {
            return is_number(a) ? -1 : 1;
        } else {
            while (*a == *b && !ends(*a) && *a != '.') {
                a++;
                b++;
            }
            bool over_a = ends(*a) || *a == '.', over_b = ends(*b) || *b == '.';
            order = over_a || over_b ? (int)over_b - (int)over_a : sign((long)*a - (long)*b);
        }
        if (order != 0 || ends(*a) || ends(*b)) {
            return order != 0 ? order : (int)ends(*b) - (int)ends(*a);
        }
        a++;
        b++;
    }
}

int tc_version_compare(const char *a, const char *b) {
    bool known_a = is_version(a), known_b = is_version(b);
    if (!known_a || !known_b) {
        return (int)known_a - (int)known_b;
    }
    for (int i = 0; i < 3; i++) {
        int order = compare_numbers(&a, &b);
        if (order != 0) {
            return order;
        }
        a += i < 2 ? 1 : 0;
        b += i < 2 ? 1 : 0;
    }
    if (*a != '-' || *b != '-') {
        return (int)(*b == '-') - (int)(*a == '-');
    }
    return compare_prerelease(a + 1, b + 1);
}
