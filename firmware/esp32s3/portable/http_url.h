/* The parts of a URL that a request needs. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

#include "../../core/err.h"

typedef struct {
    bool secure;
    char host[256]; /* a name or an address; RFC 1035, section 2.3.4: 255 octets */
    char port[6];
    const char *path; /* within the URL; may be empty, and ends with the URL */
} http_url;

/** Takes `url` apart. TC_ERR_FORMAT where it is not http or https, or names no host; an IPv6
 * address counts as none, since the device speaks IPv4. */
tc_err http_url_read(const char *url, http_url *out);

#endif
