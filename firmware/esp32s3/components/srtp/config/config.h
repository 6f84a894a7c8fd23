/* What libsrtp's configure script finds out: here about Xtensa, newlib and lwIP. */
#ifndef CONFIG_H
#define CONFIG_H

#define PACKAGE_VERSION "2.4"
#define PACKAGE_STRING "libsrtp2 2.4"
#define CPU_RISC 1
#define SIZEOF_UNSIGNED_LONG 4
#define SIZEOF_UNSIGNED_LONG_LONG 8
#define HAVE_ARPA_INET_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_NETINET_IN_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDLIB_H 1
#define HAVE_SYS_SOCKET_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_UNISTD_H 1
#define HAVE_INT32_T 1
#define HAVE_UINT8_T 1
#define HAVE_UINT16_T 1
#define HAVE_UINT32_T 1
#define HAVE_UINT64_T 1

/* libsrtp takes the two for one type: it declares srtp_remove_stream with one, and defines it with
 * the other. On Xtensa uint32_t is unsigned long. */
#include <netinet/in.h>
#include <stdint.h>
#define uint32_t unsigned int

#endif
