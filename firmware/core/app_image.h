/* What the first bytes of an application say of it: the header of its image and esp_app_desc_t
 * (ESP-IDF: "App Image Format"). */
#ifndef TC_APP_IMAGE_H
#define TC_APP_IMAGE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define TC_APP_HEAD 288 /* image header, header of the first segment, esp_app_desc_t */

typedef struct {
    uint16_t chip;
    char version[33], project[33];
} tc_app_image;

/** Reads the first TC_APP_HEAD bytes of an image. TC_ERR_FORMAT: they are none. */
tc_err tc_app_image_read(const uint8_t head[TC_APP_HEAD], tc_app_image *out);
/**
 * Compares two versions by their precedence (Semantic Versioning 2.0.0, section 11): below 0 where
 * `a` is older, above 0 where it is newer. What is no version is older than every version.
 */
int tc_version_compare(const char *a, const char *b);

#endif
