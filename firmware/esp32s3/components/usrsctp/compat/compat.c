#include "compat.h"

#include "esp_timer.h"

int compat_uptime(struct timeval *now) {
    int64_t us = esp_timer_get_time();
    now->tv_sec = us / 1000000;
    now->tv_usec = us % 1000000;
    return 0;
}
