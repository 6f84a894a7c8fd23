/* In the place of libpeer's SCTP, which loses messages: the data channel is
 * firmware/peer/channel.c, and dtls_srtp_read feeds it. See libpeer.h. */
#include "libpeer.h"
#include "sctp.h"

int __wrap_sctp_create_association(Sctp *sctp, DtlsSrtp *dtls);
void __wrap_sctp_destroy_association(Sctp *sctp);
int __wrap_sctp_is_connected(Sctp *sctp);
void __wrap_sctp_incoming_data(Sctp *sctp, char *bytes, size_t length);
int __wrap_sctp_outgoing_data(Sctp *sctp, char *bytes, size_t length, SctpDataPpid ppid,
                              uint16_t stream);
void __wrap_sctp_onmessage(Sctp *sctp, void (*run)(char *, size_t, void *, uint16_t));
void __wrap_sctp_onopen(Sctp *sctp, void (*run)(void *));
void __wrap_sctp_onclose(Sctp *sctp, void (*run)(void *));

/* libpeer calls it when DTLS is up. */
int __wrap_sctp_create_association(Sctp *sctp, DtlsSrtp *dtls) {
    (void)sctp;
    (void)dtls;
    libpeer.up();
    return 0;
}

void __wrap_sctp_destroy_association(Sctp *sctp) {
    (void)sctp;
}

int __wrap_sctp_is_connected(Sctp *sctp) {
    (void)sctp;
    return 0;
}

void __wrap_sctp_incoming_data(Sctp *sctp, char *bytes, size_t length) {
    (void)sctp;
    (void)bytes;
    (void)length;
}

int __wrap_sctp_outgoing_data(Sctp *sctp, char *bytes, size_t length, SctpDataPpid ppid,
                              uint16_t stream) {
    (void)sctp;
    (void)bytes;
    (void)length;
    (void)ppid;
    (void)stream;
    return -1;
}

void __wrap_sctp_onmessage(Sctp *sctp, void (*run)(char *, size_t, void *, uint16_t)) {
    (void)sctp;
    (void)run;
}

void __wrap_sctp_onopen(Sctp *sctp, void (*run)(void *)) {
    (void)sctp;
    (void)run;
}

void __wrap_sctp_onclose(Sctp *sctp, void (*run)(void *)) {
    (void)sctp;
    (void)run;
}
