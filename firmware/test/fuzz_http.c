/* An answer of a server that means no good, whole and in pieces: both must come to the same end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../esp32s3/portable/http_answer.h"

static http_answer whole, pieces;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    size_t step = data[0] % 16 + 1;
    data++;
    size--;
    http_answer_begin(&whole);
    http_answer_begin(&pieces);
    http_answer_take(&whole, data, size);
    for (size_t at = 0; at < size; at += step) {
        http_answer_take(&pieces, data + at, size - at < step ? size - at : step);
    }
    http_progress progress = http_answer_end(&whole);
    if (progress != http_answer_end(&pieces) || whole.length > HTTP_BODY_MAX) {
        abort();
    }
    if (progress == HTTP_WHOLE &&
        (whole.status != pieces.status || whole.length != pieces.length ||
         whole.retry_after != pieces.retry_after ||
         memcmp(whole.body, pieces.body, whole.length) != 0 || whole.status < 200)) {
        abort();
    }
    return 0;
}
