/*
 * ESP-IDF's log lines, as text of the link. Any task writes; the pieces go through a ring, since
 * the link belongs to the core task, and since some drivers print a line in pieces.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/link.h"
#include "core/log.h"
#include "core/settings.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "post.h"
#include "serial.h"

#define RING 4096u /* a power of two */
#define PIECE 256u /* on the stack of whoever logs */
#define LINE 320u

static portMUX_TYPE guard = portMUX_INITIALIZER_UNLOCKED;
static char ring[RING];
static unsigned written, taken, lost; /* guarded */

static char line[LINE]; /* core task */
static size_t line_length;

static void put(const char *text, unsigned length) {
    taskENTER_CRITICAL(&guard);
    if (RING - (written - taken) < length) {
        lost++;
    } else {
        unsigned first = RING - written % RING;
        first = length < first ? length : first;
        memcpy(ring + written % RING, text, first);
        memcpy(ring, text + first, length - first);
        written += length;
    }
    taskEXIT_CRITICAL(&guard);
}

static int print(const char *format, va_list arguments) {
    char text[PIECE];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length <= 0) {
        return length;
    }
    if ((size_t)length >= sizeof text) {
        memcpy(text + sizeof text - 5, "...\n", 4);
        length = (int)sizeof text - 1;
    }
    put(text, (unsigned)length);
    if (text[length - 1] == '\n') {
        post_wake();
    }
    return length;
}

static int take(void) {
    int c = -1;
    taskENTER_CRITICAL(&guard);
    if (written != taken) {
        c = (unsigned char)ring[taken++ % RING];
    }
    taskEXIT_CRITICAL(&guard);
    return c;
}

/* Lines start with the letter of their level; the setting device.log_level is for them too. */
static bool wanted(void) {
    static const char letters[] = "EWIDV";
    const char *letter = strchr(letters, line[0]);
    bool leveled = line_length > 2 && line[1] == ' ' && line[2] == '(' && letter != NULL;
    return !leveled || letter - letters <= tc_settings_get()->device_log_level;
}

void serial_log_flush(void) {
    for (int c; (c = take()) >= 0;) {
        if (c != '\n' && c != '\r') {
            line[line_length++] = (char)c;
        }
        if ((c == '\n' || line_length == sizeof line) && line_length > 0) {
            if (wanted()) {
                tc_link_text(line, line_length);
            }
            line_length = 0;
        }
    }
    taskENTER_CRITICAL(&guard);
    unsigned count = lost;
    lost = 0;
    taskEXIT_CRITICAL(&guard);
    if (count > 0) {
        tc_log(TC_LOG_WARN, "log", "%u pieces of log text were lost, since they came too fast",
               (unsigned)count);
    }
}

void serial_log_init(void) {
    esp_log_set_vprintf(print);
}
