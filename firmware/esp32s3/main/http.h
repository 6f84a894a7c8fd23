/* tc_port_http_post: one HTTP POST at a time, on a task of its own. */
#ifndef HTTP_H
#define HTTP_H

/** Starts the task. */
void http_init(void);

#endif
