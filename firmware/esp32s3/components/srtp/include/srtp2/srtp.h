/* libpeer includes libsrtp by the name that it has where it is installed. */
#include <srtp.h>
