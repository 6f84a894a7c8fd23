/* ESP-IDF's log lines, as text of the link. Any task writes: the core's box takes whole lines from
 * all of them. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/settings.h"
#include "core/text_box.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_rom_sys.h"
#include "freertos/FreeRTOS.h"
#include "post.h"
#include "serial.h"

#define LINE 256u /* on the stack of whoever logs */
#define EARLY 1024u

/* The Wi-Fi driver prints a line in pieces. */
static portMUX_TYPE guard = portMUX_INITIALIZER_UNLOCKED;
static char pieces[LINE]; /* guarded */
static size_t pieces_length;

/* Joins `text` to the pieces before it, if there are any; length of the line that is whole now, 0
 * where none is. */
static size_t join(char text[LINE], size_t length) {
    bool whole = text[length - 1] == '\n';
    taskENTER_CRITICAL(&guard);
    if (!whole || pieces_length > 0) {
        size_t room = sizeof pieces - pieces_length;
        size_t more = length < room ? length : room;
        memcpy(pieces + pieces_length, text, more);
        pieces_length += more;
        length = 0;
        if (whole || pieces_length == sizeof pieces) {
            length = pieces_length;
            memcpy(text, pieces, length);
            pieces_length = 0;
        }
    }
    taskEXIT_CRITICAL(&guard);
    return length;
}

/* Lines start with the letter of their level; the setting device.log_level is for them too. */
static bool wanted(const char *line, size_t length) {
    static const char letters[] = "EWIDV";
    const char *letter =
        length > 2 && line[1] == ' ' && line[2] == '(' ? strchr(letters, line[0]) : NULL;
    return letter == NULL || letter - letters <= tc_settings_get()->device_log_level;
}

static int print(const char *format, va_list arguments) {
    char text[LINE];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length <= 0) {
        return length;
    }
    if ((size_t)length >= sizeof text) {
        length = (int)sizeof text - 1;
        text[length - 1] = '\n';
    }
    size_t left = join(text, (size_t)length);
    if (left == 0 || !wanted(text, left)) {
        return length;
    }
    for (const char *at = text; left > 0;) {
        const char *end = memchr(at, '\n', left);
        size_t line = end == NULL ? left : (size_t)(end - at);
        if (line > 0) {
            tc_text_box_put(at, line);
        }
        line = end == NULL ? left : line + 1;
        at += line;
        left -= line;
    }
    post_wake();
    return length;
}

/*
 * The ROM's printf, which interrupt handlers use, would write into the middle of a frame. It may be
 * called with the flash switched off: so this stays in internal memory and only keeps what comes.
 * A panic has a way of its own to the line.
 */
static portMUX_TYPE early_guard = portMUX_INITIALIZER_UNLOCKED;
static DRAM_ATTR char early[EARLY];
static unsigned early_in, early_out;

static IRAM_ATTR void keep_early(char c) {
    portENTER_CRITICAL_SAFE(&early_guard);
    if (early_in - early_out < EARLY) {
        early[early_in++ % EARLY] = c;
    }
    portEXIT_CRITICAL_SAFE(&early_guard);
}

static int take_early(void) {
    int c = -1;
    taskENTER_CRITICAL(&early_guard);
    if (early_in != early_out) {
        c = early[early_out++ % EARLY];
    }
    taskEXIT_CRITICAL(&early_guard);
    return c;
}

void serial_log_tick(void) {
    static char line[LINE];
    static size_t length;
    for (int c = take_early(); c >= 0; c = take_early()) {
        if (c != '\n' && c != '\r' && length < sizeof line) {
            line[length++] = (char)c;
        } else if (length > 0) {
            tc_text_box_put(line, length);
            length = 0;
        }
    }
}

void serial_log_init(void) {
    esp_log_set_vprintf(print);
    esp_rom_install_channel_putc(1, keep_early);
}
