/* What usrsctp expects of a Unix, and ESP-IDF's C library and lwIP lack. Included before all else.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define CMSG_ALIGN(length) (((length) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define IPPORT_RESERVED 1024
#define UIO_MAXIOV 1024
#define ERESTART (-1)
/* Its timer thread alone sleeps, and channel_association.c starts usrsctp without it. */
#define nanosleep(wanted, left) (abort(), -1)
/* Even so it would start one, for work on many associations, which nobody gives it: that one would
 * cost its stack, and must not run beside the task that owns the channel. */
#define pthread_create(thread, attributes, run, argument) (EAGAIN)
/* newlib declares it, and nobody has it; its locks take the defaults without being told. */
#define pthread_rwlockattr_init(attributes) (*(attributes) = (pthread_rwlockattr_t){0}, 0)
/* Into external RAM: a packet takes a buffer of 2 KB, too small for the allocator to put it there
 * by itself, and a full window of them more than there is of the internal. */
#define malloc(size) compat_malloc(size)
#define calloc(count, size) compat_calloc(count, size)
void *compat_malloc(size_t size);
void *compat_calloc(size_t count, size_t size);
/* Time since boot: SNTP may set the calendar in the middle of a round trip. */
#define gettimeofday(now, zone) compat_uptime(now)
int compat_uptime(struct timeval *now);

#endif
