/* What usrsctp expects of a Unix, and ESP-IDF's C library and lwIP lack. Included before all else.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define CMSG_ALIGN(length) (((length) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define IPPORT_RESERVED 1024
#define UIO_MAXIOV 1024
#define ERESTART (-1)
/* Its timer thread alone sleeps, and channel_association.c starts usrsctp without threads. */
#define nanosleep(wanted, left) (abort(), -1)
/* Time since boot: SNTP may set the calendar in the middle of a round trip. */
#define gettimeofday(now, zone) compat_uptime(now)
int compat_uptime(struct timeval *now);

#endif
