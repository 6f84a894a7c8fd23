/* ESP-IDF's log lines, as text of the link. Any task writes: the core's box takes whole lines from
 * all of them. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/settings.h"
#include "core/text_box.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "post.h"
#include "serial.h"

#define LINE 256u /* on the stack of whoever logs */

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

void serial_log_init(void) {
    esp_log_set_vprintf(print);
}
