/* Log lines in the form that ESP-IDF prints, so that every monitor colours and filters them: "I
 * (1234) tag: text". */
#ifndef TC_LOG_H
#define TC_LOG_H

#include <stdint.h>

typedef enum { TC_LOG_ERROR, TC_LOG_WARN, TC_LOG_INFO, TC_LOG_DEBUG } tc_log_level;

/** Time of the last step, which log lines carry. */
void tc_log_clock(uint64_t now_ms);
/**
 * Logs a line through the link if the setting device.log_level allows it. `format` knows %s
 * (NULL-safe), %d (int32_t), %u (uint32_t), %x (uint32_t, hex) and %%. Never pass a secret. Core
 * task.
 */
void tc_log(tc_log_level level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** A `problem` notification, and the same as a log line. */
void tc_problem(const char *code, const char *message, const char *hint);

#endif
