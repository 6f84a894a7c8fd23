/* Errors of the core: negative, 0 is success. */
#ifndef TC_ERR_H
#define TC_ERR_H

typedef enum {
    TC_OK = 0,
    TC_ERR_NOT_FOUND = -1, /* no such key, name, or method */
    TC_ERR_SIZE = -2,      /* longer than its limit, or than the buffer */
    TC_ERR_FORMAT = -3,    /* not JSON, not SDP, not RTP, not a frame */
    TC_ERR_TYPE = -4,      /* another type than declared */
    TC_ERR_RANGE = -5,     /* a number or choice outside its bounds */
    TC_ERR_STATE = -6,     /* not possible in this state */
    TC_ERR_FULL = -7,      /* no room now; try again */
    TC_ERR_STORAGE = -8,   /* the flash did not take or give it */
    TC_ERR_DEPTH = -9,     /* nested deeper than TC_JSON_DEPTH */
    TC_ERR_IO = -10,       /* the port could not do it */
} tc_err;

#endif
