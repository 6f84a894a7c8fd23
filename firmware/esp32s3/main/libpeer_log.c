/* What libpeer says goes where all logs go. It names no secret: the password of ICE is in its debug
 * lines only, which are not compiled. */
#include <stdarg.h>
#include <stdio.h>

#include "esp_log.h"
#include "utils.h"

static const char *TAG = "libpeer";

void peer_log(char *level, const char *file, int line, const char *format, ...) {
    char text[128];
    va_list arguments;
    (void)file;
    (void)line;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (level[0] == 'E' || level[0] == 'W') {
        ESP_LOGW(TAG, "%s", text);
    } else {
        ESP_LOGD(TAG, "%s", text);
    }
}
