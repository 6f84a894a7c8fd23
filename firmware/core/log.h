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
 * (NULL-safe), %d (int), %u (unsigned), %x (unsigned, hex) and %%; uint32_t is cast to unsigned,
 * which it is not everywhere. Never pass a secret. Any task, but no interrupt, and not between
 * tc_port_lock and tc_port_unlock; it takes about 700 bytes of stack. What another task than the
 * core's logs leaves with the core's next step.
 */
void tc_log(tc_log_level level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** A `problem` notification, and the same as a log line. Core task. */
void tc_problem(const char *code, const char *message, const char *hint);

#endif
