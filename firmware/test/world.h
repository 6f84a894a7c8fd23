/* A device in a world that the test plays: time, Wi-Fi, the server, the host at the serial line. On
 * the fake port. */
#ifndef TC_WORLD_H
#define TC_WORLD_H

#include "../core/core.h"
#include "../core/session.h"
#include "fake_port.h"

#define WORLD_ANSWER "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"

extern uint64_t world_now;
/** What the loudspeaker got last: the first sample of the frame. */
extern int16_t world_heard;

/** Powers the device on, with all required settings in its flash. More can be put there between the
 * two. */
void world_flash(void);
void world_power_on(void);
/** Lets time pass, in steps of 10 ms; the audio task runs while audio is on. */
void world_run(uint32_t ms);
/** Posts an event and lets the core take it. */
void world_post(int kind, uint32_t id, int32_t code, uint32_t extra, const void *data,
                size_t length);
/** A text of the server on the present data channel. */
void world_server(const char *json);
/** `status` and body for the present request. */
void world_http(int32_t status, const char *body);
/** A request of the host. The answer: fake_last_frame("\"id\":1"). */
void world_request(const char *method, const char *params);

/** The device is ready. */
void world_ready(void);
/** Like it, of a device that goes on by itself from there. */
void world_ready_alone(void);
/** From ready: a session was asked for, and the offer is posted. */
void world_posted(void);
/** From there to configuring. */
void world_configuring(void);
/** From power on to live; the greeting is still to be answered where there is one. */
void world_live(void);
/** Live with default settings, the greeting spoken and over. */
void world_listening(void);

/** Events sent to the server: how many hold this part; the last that does, "" where there is none.
 */
int world_sent(const char *part);
const char *world_last_sent(const char *part);
/** Forgets what was sent to the server and to the host. */
void world_forget(void);
/** The last `state` notification. */
const char *world_state(void);
/** Whether `part` is in `text`. */
bool world_has(const char *text, const char *part);

/** 20 ms of a voice of the server. */
void world_voice(void);

/* What tests of a live session have in common. */

/** Checks that the last `state` names this activity. */
void world_check_activity(const char *activity);
/** An event of the server that holds its type only. */
void world_event(const char *type);
/** response.created of this response. */
void world_created(const char *id);
/** response.done of this response. */
void world_done(const char *id, const char *status);
/** output_audio_buffer.started, stopped or cleared of this response. */
void world_output(const char *what, const char *id);
/** The server speaks: half a second of its voice is on its way to the loudspeaker. */
void world_speak(const char *id);
/** Checks the state, and that the last `state` notification holds `reason`. */
void world_check_reason(tc_state state, const char *reason);
/** retry_ms of the last `state` notification. */
uint32_t world_retry_ms(void);

#endif
