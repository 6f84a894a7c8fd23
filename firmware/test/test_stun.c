/* Vectors: RFC 5769 sections 2.1 to 2.3; RFC 2202 section 3 for the HMAC that the tests bring. */
#include "../peer/stun.h"
#include "check.h"
#include "hmac_sha1.h"

/* Without the NUL. */
#define SIZE(text) (sizeof(text) - 1)
#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static const uint8_t id[12] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                               0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
static const uint8_t request[] = "\x00\x01\x00\x58\x21\x12\xa4\x42"
                                 "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
                                 "\x80\x22\x00\x10STUN test client"
                                 "\x00\x24\x00\x04\x6e\x00\x01\xff"
                                 "\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
                                 "\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59   "
                                 "\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e"
                                 "\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2"
                                 "\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
static const uint8_t response4[] = "\x01\x01\x00\x3c\x21\x12\xa4\x42"
                                   "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
                                   "\x80\x22\x00\x0btest vector "
                                   "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
                                   "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74"
                                   "\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7"
                                   "\x80\x28\x00\x04\xc0\x7d\x4c\x96";
static const uint8_t response6[] = "\x01\x01\x00\x48\x21\x12\xa4\x42"
                                   "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
                                   "\x80\x22\x00\x0btest vector "
                                   "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3"
                                   "\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"
                                   "\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84"
                                   "\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41"
                                   "\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

static tc_err read(const uint8_t *bytes, size_t length) {
    tc_stun_message message;
    return tc_stun_read(bytes, length, &message);
}

/* A request with these attributes, and nothing else; returns its length. */
static size_t with(uint8_t *out, const void *attributes, size_t length) {
    memcpy(out, request, TC_STUN_HEADER);
    out[2] = (uint8_t)(length >> 8);
    out[3] = (uint8_t)length;
    memcpy(out + TC_STUN_HEADER, attributes, length);
    return TC_STUN_HEADER + length;
}

static tc_err read_with(const void *attributes, size_t length) {
    static uint8_t bytes[1024];
    return read(bytes, with(bytes, attributes, length));
}
#define READ_WITH(text) read_with(text, sizeof(text) - 1)

TC_TEST(stun_hmac_of_the_tests) {
    uint8_t out[20], key[80];
    hmac_sha1((const uint8_t *)"Jefe", 4, (const uint8_t *)"what do ya want for nothing?", 28, out,
              NULL);
    CHECK_BYTES(out,
                "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c\x25\x9a\x7c\x79",
                20);
    memset(key, 0xaa, sizeof key);
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    hmac_sha1(key, sizeof key, (const uint8_t *)text, strlen(text), out, NULL);
    CHECK_BYTES(out,
                "\xaa\x4a\xe5\xe1\x52\x72\xd0\x0e\x95\x70\x56\x37\xce\x8a\x3b\x55\xed\x40\x21\x12",
                20);
}

TC_TEST(stun_rfc_5769_request) {
    tc_stun_message m;
    CHECK_EQ(tc_stun_read(request, SIZE(request), &m), TC_OK);
    CHECK_EQ(m.type, TC_STUN_REQUEST);
    CHECK_BYTES(m.id, id, sizeof id);
    CHECK_TEXT((const char *)m.username, m.username_length, "evtj:h6vY");
    CHECK_EQ(m.priority, 0x6e0001ff);
    CHECK(m.controlled && !m.controlling && !m.use_candidate && !m.mapped_ipv4);
    CHECK(tc_stun_fingerprint_ok(request, &m));
    CHECK(tc_stun_integrity_ok(request, &m, PASSWORD, hmac_sha1, NULL));
    CHECK(!tc_stun_integrity_ok(request, &m, "VOkJxbRl1RmTxUk/WvJxBT", hmac_sha1, NULL));
}

TC_TEST(stun_rfc_5769_response_ipv4) {
    tc_stun_message m;
    CHECK_EQ(tc_stun_read(response4, SIZE(response4), &m), TC_OK);
    CHECK_EQ(m.type, TC_STUN_RESPONSE);
    CHECK(m.mapped_ipv4);
    CHECK_BYTES(m.mapped_ip, "\xc0\x00\x02\x01", 4);
    CHECK_EQ(m.mapped_port, 32853);
    CHECK(tc_stun_fingerprint_ok(response4, &m));
    CHECK(tc_stun_integrity_ok(response4, &m, PASSWORD, hmac_sha1, NULL));
}

TC_TEST(stun_rfc_5769_response_ipv6) {
    tc_stun_message m;
    CHECK_EQ(tc_stun_read(response6, SIZE(response6), &m), TC_OK);
    CHECK(!m.mapped_ipv4);
    CHECK(tc_stun_fingerprint_ok(response6, &m));
    CHECK(tc_stun_integrity_ok(response6, &m, PASSWORD, hmac_sha1, NULL));
}

TC_TEST(stun_every_changed_bit_is_noticed) {
    uint8_t bytes[SIZE(request)];
    for (size_t bit = 0; bit < 8 * SIZE(request); bit++) {
        memcpy(bytes, request, SIZE(request));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        tc_stun_message m;
        CHECK(tc_stun_read(bytes, sizeof bytes, &m) != TC_OK ||
              !tc_stun_fingerprint_ok(bytes, &m) ||
              !tc_stun_integrity_ok(bytes, &m, PASSWORD, hmac_sha1, NULL));
    }
}

TC_TEST(stun_length_is_that_of_the_datagram) {
    static uint8_t bytes[300];
    for (size_t length = 0; length < SIZE(request); length++) {
        CHECK_EQ(read(request, length), TC_ERR_SIZE);
    }
    CHECK_EQ(read(NULL, 0), TC_ERR_SIZE);
    memcpy(bytes, request, SIZE(request));
    CHECK_EQ(read(bytes, SIZE(request) + 4), TC_ERR_SIZE);
    /* 256 is the most, with an attribute that may be ignored. */
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0x80, bytes[1] = 0x22;
    bytes[3] = 232;
    CHECK_EQ(read_with(bytes, 236), TC_OK);
    bytes[3] = 236;
    CHECK_EQ(read_with(bytes, 240), TC_ERR_SIZE);
}

TC_TEST(stun_only_binding_passes) {
    uint8_t bytes[20];
    memcpy(bytes, request, sizeof bytes);
    bytes[3] = 0;
    for (unsigned type = 0; type < 0x10000; type++) {
        bytes[0] = (uint8_t)(type >> 8);
        bytes[1] = (uint8_t)type;
        bool binding = type == 0x0001 || type == 0x0101 || type == 0x0111;
        CHECK_EQ(read(bytes, sizeof bytes), binding ? TC_OK : TC_ERR_TYPE);
    }
}

TC_TEST(stun_attributes_have_their_length) {
    CHECK_EQ(READ_WITH("\0\x24\0\4\1\2\3\4"), TC_OK);
    CHECK_EQ(READ_WITH("\0\x24\0\3\1\2\3\4"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x24\0\5\1\2\3\4\5\0\0\0"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x24\0\x08\1\2\3\4"), TC_ERR_FORMAT); /* leaves the message */
    CHECK_EQ(READ_WITH("\0\x24\xff\xff\1\2\3\4"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\x80\x22\0\x05name"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\x80\x22\0\x04name"), TC_OK);
    CHECK_EQ(READ_WITH("\x80\x22\0\x01n"), TC_ERR_SIZE); /* without its padding */
    CHECK_EQ(READ_WITH("\0\x25\0\0"), TC_OK);
    CHECK_EQ(READ_WITH("\0\x25\0\4\0\0\0\0"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\x80\x2a\0\x08"
                       "12345678"),
             TC_OK);
    CHECK_EQ(READ_WITH("\x80\x2a\0\4"
                       "1234"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\x80\x28\0\x08"
                       "12345678"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x08\0\4"
                       "1234"),
             TC_ERR_FORMAT);
    /* XOR-MAPPED-ADDRESS: family and length agree */
    CHECK_EQ(READ_WITH("\0\x20\0\x08\0\1"
                       "123456"),
             TC_OK);
    CHECK_EQ(READ_WITH("\0\x20\0\x08\0\2"
                       "123456"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x20\0\x08\0\3"
                       "123456"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x20\0\x14\0\2"
                       "123456789012345678"),
             TC_OK);
    CHECK_EQ(READ_WITH("\0\x20\0\x14\0\1"
                       "123456789012345678"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\1\0\4\0\1"
                       "12"),
             TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x09\0\4\0\0\4\x57"), TC_OK);
    CHECK_EQ(READ_WITH("\0\x09\0\4\0\0\7\x57"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\x09\0\4\0\0\4\x64"), TC_ERR_FORMAT);
}

TC_TEST(stun_texts_fit_the_buffers_behind) {
    static uint8_t bytes[256];
    struct {
        uint8_t type;
        size_t most;
    } texts[] = {{0x06, 127}, {0x14, 63}, {0x15, 63}};
    for (size_t i = 0; i < 3; i++) {
        memset(bytes, 0, sizeof bytes);
        bytes[1] = texts[i].type;
        bytes[3] = (uint8_t)texts[i].most;
        CHECK_EQ(read_with(bytes, 4 + ((texts[i].most + 3) & ~3u)), TC_OK);
        bytes[3]++;
        CHECK_EQ(read_with(bytes, 4 + ((texts[i].most + 4) & ~3u)), TC_ERR_FORMAT);
    }
}

TC_TEST(stun_attributes_have_their_place) {
#define INTEGRITY                                                                                  \
    "\0\x08\0\x14"                                                                                 \
    "12345678901234567890"
#define FINGERPRINT                                                                                \
    "\x80\x28\0\4"                                                                                 \
    "1234"
#define SOFTWARE "\x80\x22\0\1s\0\0\0"
    CHECK_EQ(READ_WITH(SOFTWARE SOFTWARE INTEGRITY FINGERPRINT), TC_OK);
    CHECK_EQ(READ_WITH(INTEGRITY FINGERPRINT SOFTWARE), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH(INTEGRITY SOFTWARE FINGERPRINT), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH(FINGERPRINT INTEGRITY), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH(INTEGRITY INTEGRITY), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\0\6\0\1a\0\0\0"
                       "\0\6\0\1b\0\0\0"),
             TC_ERR_FORMAT);
    /* What must be understood and is not: RFC 8489 section 14. */
    CHECK_EQ(READ_WITH("\0\x1d\0\0"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\x7f\xff\0\0"), TC_ERR_FORMAT);
    CHECK_EQ(READ_WITH("\xc0\x57\0\4"
                       "1234"),
             TC_OK);
}

TC_TEST(stun_request_is_written_and_read) {
    static const uint8_t tie_breaker[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    tc_stun_request fields = {
        .transaction = id,
        .remote_ufrag = "evtj",
        .local_ufrag = "h6vY",
        .remote_pwd = PASSWORD,
        .tie_breaker = tie_breaker,
        .use_candidate = true,
        .hmac = hmac_sha1,
    };
    uint8_t bytes[TC_STUN_MAX];
    tc_stun_message m;
    int length = tc_stun_write_request(&fields, bytes, sizeof bytes);
    CHECK_EQ(length, 20 + 16 + 8 + 12 + 4 + 24 + 8);
    CHECK_EQ(tc_stun_read(bytes, (size_t)length, &m), TC_OK);
    CHECK_EQ(m.type, TC_STUN_REQUEST);
    CHECK_BYTES(m.id, id, sizeof id);
    CHECK_TEXT((const char *)m.username, m.username_length, "evtj:h6vY");
    CHECK_EQ(m.priority, TC_STUN_PRIORITY);
    CHECK(m.controlling && m.use_candidate);
    CHECK(tc_stun_fingerprint_ok(bytes, &m));
    CHECK(tc_stun_integrity_ok(bytes, &m, PASSWORD, hmac_sha1, NULL));
    for (size_t capacity = 0; capacity < (size_t)length; capacity++) {
        CHECK_EQ(tc_stun_write_request(&fields, bytes, capacity), TC_ERR_SIZE);
    }
}

TC_TEST(stun_names_that_are_too_long_are_refused) {
    static const uint8_t tie_breaker[8] = {1};
    static char name[128];
    uint8_t bytes[TC_STUN_MAX];
    memset(name, 'n', 122);
    tc_stun_request fields = {.transaction = id,
                              .remote_ufrag = name,
                              .local_ufrag = "h6vY",
                              .remote_pwd = PASSWORD,
                              .tie_breaker = tie_breaker,
                              .hmac = hmac_sha1};
    int length = tc_stun_write_request(&fields, bytes, sizeof bytes);
    CHECK(length > 0);
    CHECK_EQ(read(bytes, (size_t)length), TC_OK);
    name[122] = 'n';
    CHECK_EQ(tc_stun_write_request(&fields, bytes, sizeof bytes), TC_ERR_SIZE);
}

TC_TEST(stun_response_is_that_of_rfc_5769_but_for_its_software) {
    tc_stun_response fields = {.transaction = id,
                               .ip = {192, 0, 2, 1},
                               .port = 32853,
                               .local_pwd = PASSWORD,
                               .hmac = hmac_sha1};
    uint8_t bytes[TC_STUN_MAX];
    tc_stun_message m;
    int length = tc_stun_write_response(&fields, bytes, sizeof bytes);
    CHECK_EQ(length, 20 + 12 + 24 + 8);
    CHECK_BYTES(bytes + 20, response4 + 36, 12);
    CHECK_EQ(tc_stun_read(bytes, (size_t)length, &m), TC_OK);
    CHECK(tc_stun_fingerprint_ok(bytes, &m));
    CHECK(tc_stun_integrity_ok(bytes, &m, PASSWORD, hmac_sha1, NULL));
    CHECK_EQ(tc_stun_write_response(&fields, bytes, 63), TC_ERR_SIZE);
}
