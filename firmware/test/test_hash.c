#include "../core/crc32.h"
#include "../core/sha256.h"
#include "check.h"

TC_TEST(crc32_is_that_of_ieee_802_3) {
    CHECK_EQ(tc_crc32(0, "123456789", 9), 0xCBF43926);
    CHECK_EQ(tc_crc32(0, "", 0), 0);
    CHECK_EQ(tc_crc32(tc_crc32(0, "12345", 5), "6789", 4), 0xCBF43926);
}

static void check_sha256(const char *text, size_t length, const char *wanted) {
    tc_sha256 hash;
    uint8_t digest[32];
    char hex[65];
    for (size_t cut = 0; cut <= length; cut += 1 + length / 3) {
        tc_sha256_start(&hash);
        tc_sha256_add(&hash, text, cut);
        tc_sha256_add(&hash, text + cut, length - cut);
        tc_sha256_end(&hash, digest);
        for (int i = 0; i < 32; i++) {
            hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
            hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
        }
        CHECK_TEXT(hex, 64, wanted);
    }
}

/* Examples of FIPS 180-2, appendix B, and lengths around a block. */
TC_TEST(sha256_is_that_of_fips_180) {
    char text[128];
    check_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(text, 'a', sizeof text);
    check_sha256(text, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    check_sha256(text, 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
    check_sha256(text, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    check_sha256(text, 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
    check_sha256(text, 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
    check_sha256(text, 120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c");
    check_sha256(text, 128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e");
}
