#include "compat.h"

#include "esp_heap_caps.h"
#include "esp_timer.h"

int compat_uptime(struct timeval *now) {
    int64_t us = esp_timer_get_time();
    now->tv_sec = us / 1000000;
    now->tv_usec = us % 1000000;
    return 0;
}

void *compat_malloc(size_t size) {
    return heap_caps_malloc_prefer(size, 2, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT, MALLOC_CAP_8BIT);
}

void *compat_calloc(size_t count, size_t size) {
    return heap_caps_calloc_prefer(count, size, 2, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT,
                                   MALLOC_CAP_8BIT);
}
