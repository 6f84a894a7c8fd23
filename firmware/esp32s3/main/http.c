#include "http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../portable/http_answer.h"
#include "../portable/http_url.h"
#include "clock.h"
#include "core/board.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "http_connection.h"
#include "mbedtls/platform_util.h"
#include "port.h"
#include "post.h"
#include "tasks.h"

static const char *TAG = "http";

#define PIECE 4096u

typedef struct {
    uint32_t id;         /* 0: none */
    bool get;            /* else POST */
    uint64_t deadline;   /* of a POST */
    uint32_t silence_ms; /* of a GET */
    char url[512], pin[65], headers[2560];
    size_t length;
    uint8_t body[HTTP_BODY_MAX];
} request;

/*
 * The core leaves a request here, the task takes it. It has room while a former one, which nobody
 * waits for any more, still ends. The lock is held for as long as a copy takes.
 */
static TC_BIG request waiting, working;
static SemaphoreHandle_t guard;
static atomic_uint wanted; /* id of the request whose answer is wanted */
static TaskHandle_t task;

static TC_BIG http_answer reply;
static http_connection connection;

static bool put(char *out, size_t capacity, const char *text) {
    return strlcpy(out, text, capacity) < capacity;
}

int tc_port_http_post(uint32_t id, const char *url, const char *pin, const char *headers,
                      const uint8_t *body, size_t length, uint32_t timeout_ms) {
    http_url parts;
    if (http_url_read(url, &parts) != TC_OK) {
        return TC_ERR_FORMAT;
    }
    if (wanted != 0) {
        return TC_ERR_STATE;
    }
    if (length > sizeof waiting.body) {
        return TC_ERR_SIZE;
    }
    xSemaphoreTake(guard, portMAX_DELAY);
    bool fits = put(waiting.url, sizeof waiting.url, url) &&
                put(waiting.pin, sizeof waiting.pin, pin) &&
                put(waiting.headers, sizeof waiting.headers, headers);
    if (fits) {
        memcpy(waiting.body, body, length);
        waiting.length = length;
        waiting.get = false;
        waiting.deadline = clock_ms() + timeout_ms;
        waiting.id = id;
        wanted = id;
    } else {
        mbedtls_platform_zeroize(waiting.headers, sizeof waiting.headers);
    }
    xSemaphoreGive(guard);
    if (!fits) {
        return TC_ERR_SIZE;
    }
    xTaskNotifyGive(task);
    return TC_OK;
}

int tc_port_http_get(uint32_t id, const char *url, const char *pin, uint32_t timeout_ms) {
    http_url parts;
    if (http_url_read(url, &parts) != TC_OK) {
        return TC_ERR_FORMAT;
    }
    if (wanted != 0) {
        return TC_ERR_STATE;
    }
    xSemaphoreTake(guard, portMAX_DELAY);
    bool fits =
        put(waiting.url, sizeof waiting.url, url) && put(waiting.pin, sizeof waiting.pin, pin);
    if (fits) {
        waiting.headers[0] = '\0';
        waiting.length = 0;
        waiting.get = true;
        waiting.silence_ms = timeout_ms;
        waiting.id = id;
        wanted = id;
    }
    xSemaphoreGive(guard);
    if (!fits) {
        return TC_ERR_SIZE;
    }
    xTaskNotifyGive(task);
    return TC_OK;
}

void tc_port_http_cancel(uint32_t id) {
    unsigned expected = id;
    if (atomic_compare_exchange_strong(&wanted, &expected, 0)) {
        xSemaphoreTake(guard, portMAX_DELAY);
        waiting.id = 0;
        mbedtls_platform_zeroize(waiting.headers, sizeof waiting.headers);
        xSemaphoreGive(guard);
    }
}

static bool forgotten(void) {
    return wanted != working.id;
}

/* The headers hold the token: they lie in one place at a time, and in none once they are sent. */
static bool take_request(void) {
    xSemaphoreTake(guard, portMAX_DELAY);
    bool there = waiting.id != 0;
    if (there) {
        memcpy(&working, &waiting, sizeof working);
        waiting.id = 0;
        mbedtls_platform_zeroize(waiting.headers, sizeof waiting.headers);
    }
    xSemaphoreGive(guard);
    return there;
}

static int send_request(const http_url *url) {
    char line[800], length_line[40] = "";
    bool usual = strcmp(url->port, url->secure ? "443" : "80") == 0;
    if (!working.get) {
        snprintf(length_line, sizeof length_line, "Content-Length: %u\r\n",
                 (unsigned)working.length);
    }
    int length =
        snprintf(line, sizeof line, "%s %s%s HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n%s",
                 working.get ? "GET" : "POST", url->path[0] == '/' ? "" : "/", url->path, url->host,
                 usual ? "" : ":", usual ? "" : url->port, length_line);
    int error =
        (size_t)length < sizeof line ? http_send(&connection, line, (size_t)length) : TC_HTTP_IO;
    if (error == 0) {
        error = http_send(&connection, working.headers, strlen(working.headers));
    }
    mbedtls_platform_zeroize(working.headers, sizeof working.headers);
    if (error == 0) {
        error = http_send(&connection, "\r\n", 2);
    }
    return error != 0 ? error : http_send(&connection, working.body, working.length);
}

/* A piece of a body that is got. The core's queue may be full: then the server waits, too. */
static void hand_on(const uint8_t *bytes, size_t length, uint32_t total) {
    tc_event event = {.kind = TC_EVENT_HTTP_DATA,
                      .id = working.id,
                      .extra = total,
                      .data = bytes,
                      .length = length};
    if (!forgotten()) {
        post_event(&event);
    }
}

static int receive_answer(void) {
    static TC_BIG uint8_t bytes[PIECE];
    http_progress progress = HTTP_MORE;
    http_answer_begin(&reply);
    reply.sink = working.get ? hand_on : NULL;
    while (progress == HTTP_MORE) {
        if (working.get) {
            connection.deadline = clock_ms() + working.silence_ms;
        }
        int count = http_receive(&connection, bytes, sizeof bytes);
        if (count < 0) {
            return count;
        }
        progress =
            count == 0 ? http_answer_end(&reply) : http_answer_take(&reply, bytes, (size_t)count);
    }
    if (progress == HTTP_TOO_LARGE) {
        return TC_HTTP_TOO_LARGE;
    }
    return progress == HTTP_WHOLE ? reply.status : TC_HTTP_IO;
}

static int exchange(void) {
    http_url url;
    uint64_t now = clock_ms();
    if (working.get) {
        working.deadline = now + working.silence_ms;
    }
    if (now >= working.deadline || http_url_read(working.url, &url) != TC_OK) {
        return TC_HTTP_TIMEOUT;
    }
    int code =
        http_open(&connection, &url, working.pin, (uint32_t)(working.deadline - now), forgotten);
    if (code == 0) {
        code = send_request(&url);
    }
    if (code == 0) {
        code = receive_answer();
    }
    http_close(&connection);
    mbedtls_platform_zeroize(working.headers, sizeof working.headers);
    return code;
}

static void run(void *argument) {
    (void)argument;
    for (;;) {
        if (!take_request()) {
            ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
            continue;
        }
        uint64_t started = clock_ms();
        int code = exchange();
        unsigned id = working.id;
        ESP_LOGI(TAG, "%s: %d after %u ms", working.get ? "GET" : "POST", code,
                 (unsigned)(clock_ms() - started));
        if (!atomic_compare_exchange_strong(&wanted, &id, 0)) {
            continue; /* cancelled */
        }
        tc_event event = {.kind = TC_EVENT_HTTP, .id = working.id, .code = code};
        if (code > 0) {
            event.extra = reply.retry_after;
            event.data = reply.body;
            event.length = working.get ? 0 : reply.length;
        }
        post_event(&event);
    }
}

void http_init(void) {
    guard = xSemaphoreCreateMutex();
    task = tasks_start(TC_TASK_HTTP, run, NULL);
}
