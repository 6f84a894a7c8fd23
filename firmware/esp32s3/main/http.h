/* tc_port_http_post, tc_port_http_get: one HTTP request at a time, on a task of its own. */
#ifndef HTTP_H
#define HTTP_H

/** Starts the task. */
void http_init(void);

#endif
