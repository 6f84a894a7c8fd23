#include <string.h>

#include "../esp32s3/portable/http_url.h"
#include "check.h"

static void check_url(const char *url, bool secure, const char *host, const char *port,
                      const char *path) {
    http_url parts;
    CHECK_EQ(http_url_read(url, &parts), TC_OK);
    CHECK_EQ(parts.secure, secure);
    CHECK(strcmp(parts.host, host) == 0);
    CHECK(strcmp(parts.port, port) == 0);
    CHECK(strcmp(parts.path, path) == 0);
}

TC_TEST(http_url_is_taken_apart) {
    check_url("https://api.openai.com/v1/realtime/calls?model=x", true, "api.openai.com", "443",
              "/v1/realtime/calls?model=x");
    check_url("http://127.0.0.1:8080", false, "127.0.0.1", "8080", "");
    check_url("https://h?a=b", true, "h", "443", "?a=b");
}

TC_TEST(http_url_that_names_no_host_is_refused) {
    static const char *const wrong[] = {"",
                                        "ftp://h/",
                                        "https://",
                                        "https:///x",
                                        "https://:1",
                                        "https://h:/x",
                                        "https://h:1x/",
                                        "https://h:123456/",
                                        "https://[::1]/"};
    http_url parts;
    char lengthy[300];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQ(http_url_read(wrong[i], &parts), TC_ERR_FORMAT);
    }
    memset(lengthy, 'a', sizeof lengthy);
    memcpy(lengthy, "https://", 8);
    lengthy[sizeof lengthy - 1] = '\0';
    CHECK_EQ(http_url_read(lengthy, &parts), TC_ERR_FORMAT);
}
