#include "http_url.h"

#include <string.h>

tc_err http_url_read(const char *url, http_url *out) {
    *out = (http_url){.secure = strncmp(url, "https://", 8) == 0};
    if (!out->secure && strncmp(url, "http://", 7) != 0) {
        return TC_ERR_FORMAT;
    }
    const char *host = url + (out->secure ? 8 : 7);
    size_t length = strcspn(host, ":/?");
    if (length == 0 || length >= sizeof out->host || host[0] == '[') {
        return TC_ERR_FORMAT;
    }
    memcpy(out->host, host, length);
    const char *at = host + length;
    strcpy(out->port, out->secure ? "443" : "80");
    if (*at == ':') {
        size_t digits = strspn(++at, "0123456789");
        if (digits == 0 || digits >= sizeof out->port) {
            return TC_ERR_FORMAT;
        }
        memcpy(out->port, at, digits);
        out->port[digits] = '\0';
        at += digits;
    }
    out->path = at;
    return *at == '\0' || *at == '/' || *at == '?' ? TC_OK : TC_ERR_FORMAT;
}
