/*
 * What the files of the session share:
 *   session.c          states, their table and deadlines, commands
 *   session_wifi.c     joining one of several networks
 *   session_trial.c    a new network is tried before it takes the old one's place
 *   session_idle.c     while there is no session: waking by voice, a radio that rests
 *   session_ends.c     how the last sessions ended
 *   session_connect.c  from ready to configuring: offer, answer, data channel
 *   session_token.c    the token, lent or stored, and whether it has ended
 *   session_renew.c    a conversation outlives its sessions
 *   session_budget.c   what it may cost
 *   session_rate.c     limits of the server
 *   session_failure.c  what went wrong, in words; whether and when it is tried again
 *   session_live.c     what happens in a live session: speech, responses, interruption
 *   session_commands.c the button, texts and events of the host
 *   session_change.c   settings that change while it runs
 *   session_tools.c    function calls, and the goodbye
 *   session_host_calls.c  those that the host runs
 *   session_outbox.c   events to the server, and the copies for the host
 */
#ifndef TC_SESSION_INTERNAL_H
#define TC_SESSION_INTERNAL_H

#include "realtime.h"
#include "session.h"

typedef enum { STAGE_OFFER, STAGE_POST, STAGE_PEER, STAGE_CHANNEL } connect_stage;

/* Why a response.create is wanted. */
enum {
    WANT_TOOL = 1,     /* the outputs of function calls wait for an answer */
    WANT_SAY = 2,      /* a text of the host does */
    WANT_TURN = 4,     /* what was said while the button was down does */
    WANT_GREETING = 8, /* the first words */
    WANT_GOODBYE = 16, /* the last words */
};

/* Ids of the server (responses, calls) are kept as 64-bit hashes; 0 is none. */
typedef uint64_t session_id;

typedef struct {
    /* As the settings were when the session was configured. */
    uint8_t detection; /* tc_turn_detection */
    bool respond, interrupt, text_only, tools;

    bool hearing;  /* the person speaks */
    bool awaiting; /* the person has finished, no response yet */
    uint64_t awaiting_since;
    uint64_t heard_at; /* end of the person's speech, 0 once it was answered */

    bool audible; /* the server plays a response to us */
    session_id audible_id;
    uint64_t sound_at; /* there was last something of it to play */
    bool tail;         /* it has stopped, we still play */
    uint64_t tail_until;

    bool active; /* a response is made */
    session_id active_id;
    uint64_t active_since; /* its last sign of life */
    bool writing;          /* text_only: text has come */

    uint8_t want;
    bool creating; /* response.create was sent, nothing came back */
    uint64_t creating_since;
    uint32_t create_event; /* number of the last response.create, and what it was for */
    uint8_t create_kind;

    session_id calls[16]; /* the last that were answered */
    uint8_t call_next;
    uint8_t calls_in_response;

    bool ending;    /* goodbye, then close */
    bool revocable; /* it was the model that wanted it */
    bool goodbye_sent, goodbye_heard;
    session_id goodbye_id;
    uint64_t goodbye_until, ending_since;

    uint64_t since, last_word;

    tc_reason end_reason;          /* of the goodbye */
    char model[65];                /* that the server named */
    uint64_t renew_from, renew_by; /* by the server's word; 0 where it said nothing */
    uint64_t over_budget;          /* since when, 0 for not */
    uint64_t rate_until;           /* no response.create before */
    bool renew_told;               /* that there is no token for another session */
    bool rate_told, rate_retried;  /* that it waits; a response that the limit had stopped */
    bool cancel_next; /* the response that was asked for was cancelled before it came */
    session_id cancelled_id;
    bool prompting; /* the server talks to itself: nobody has answered since */
} session_live;

#define TC_NETWORKS 3 /* that the settings have room for */

typedef struct {
    uint8_t present, good;     /* the network that is tried or joined; the last that was joined */
    uint8_t tried;             /* bit per network, in this round */
    uint8_t told[TC_NETWORKS]; /* tc_reason: the problem that was said of each last */
    uint32_t rounds;           /* in which all failed */
    uint8_t trial;             /* 1 + the network on trial; 0 for none */
    uint8_t trial_tries;
} session_wifi;

typedef struct {
    tc_state state;
    tc_activity activity;
    uint64_t now, entered;
    uint64_t deadline; /* of the state, 0 for none */
    bool booted;

    bool wanted;           /* somebody asked for a session, and nobody ended it */
    session_id model_said; /* the last that was not that of the settings */
    uint8_t tries;
    tc_reason told; /* of the last failure that was a problem in words */
    session_wifi wifi;
    bool waits_for_wifi; /* in backoff: joins next, else connects */
    struct {
        bool resting, listening; /* the radio; for a voice */
        bool deaf;               /* the microphone does not open */
    } idle;
    bool muted;
    uint64_t session_began; /* connecting was entered */
    struct {                /* the conversation, over all its sessions */
        uint64_t began;     /* it was first live; 0: not yet */
        uint64_t left;      /* it was last live */
        uint64_t last_word;
        uint64_t nanodollars;
        bool renewing;    /* the session ended by our own will, another one follows */
        bool greeted;     /* somebody has said something */
        bool owed;        /* when it was last live, an answer was still to come */
        session_id asked; /* the turn that was asked again, and how often */
        uint8_t asked_times;
        bool unpriced; /* that was told */
    } talk;
    bool autostart; /* these as the settings were when last seen */
    uint8_t volume;

    bool pressed;
    uint64_t pressed_at;

    uint32_t last_id; /* of requests and peer connections */
    uint32_t http_id, peer_id;
    uint32_t event_id; /* of the events that we send */
    uint32_t update_event;
    connect_stage stage;
    uint64_t stage_at[4], connect_at; /* when each stage was reached, for the metric */
    bool channel_open;
    bool audio_on;

    struct {
        tc_state state;
        tc_reason reason;
        uint32_t retry_ms;
    } after; /* closing */
    char detail[200];

    session_live live;
    struct {
        uint32_t sessions, failures, responses, calls, interruptions;
        uint32_t events_in, events_bad, events_large, illegal;
    } count;
} session_data;

extern session_data tc_self;
#define LIVE (&tc_self.live)

/* session.c */
/** Goes to a state and says so. `detail` may be NULL; `retry_ms` is for backoff. */
void session_enter(tc_state state, tc_reason reason, const char *detail, uint32_t retry_ms);
/** Takes over what the settings say of volume, autostart and history. */
void session_follow_settings(void);
/** Says state and activity to the host. */
void session_notify(tc_reason reason, const char *detail, uint32_t retry_ms);
/** Ends the request and the peer connection; sound goes on. */
void session_close_peer(void);
/** Ends all that belongs to a session. */
void session_tear_down(void);
/** Ends the session by our own will: what is buffered is played first. */
void session_close(tc_reason reason);
/** Leaves closing, or what came instead of it, for the state that was planned. */
void session_after_close(void);
/** What a person had to mend is mended, perhaps: a device that waits for that tries again. */
void session_mended(void);

/* session_wifi.c */
/** Joins at the start; the state is joining already. */
void session_wifi_boot(void);
/** Goes to joining, and tries the networks in turn. */
void session_wifi_join(tc_reason reason);
/** Like it, after the settings changed: what was known of the networks is forgotten. */
void session_wifi_settings(void);
/** Forgets what was known of the networks, and joins; only network `trial` - 1 where that is not 0.
 */
void session_wifi_anew(tc_reason reason, uint8_t trial);
/** The network that is tried failed: the next one, or back-off. */
void session_wifi_failed(tc_reason reason);
void session_wifi_up(const tc_event *event);
void session_wifi_down(int32_t code);

/* session_trial.c */
/** The network that was tried failed: whether it is on trial, and is to be tried once more. */
bool session_trial_again(tc_reason reason);
/** All failed: whether that was a trial. Then the former settings are back, and their networks are
 * joined. */
bool session_trial_failed(tc_reason reason);
/** A network is joined: what was on trial is kept. */
void session_trial_passed(void);

/* session_idle.c */
/** While there is no session. Returns milliseconds until it wants to be called again, at most
 * `wait`. */
uint32_t session_idle_tick(uint32_t wait);
/** Something begins: the microphone is free again, and the radio awake. */
void session_idle_end(void);

/* session_ends.c */
void session_ends_init(void);
/** A session, or a try for one, that began at `began` has ended. `detail` may be NULL. */
void session_ends_note(tc_reason reason, const char *detail, uint64_t began);

/* session_connect.c */
void session_connect(tc_reason reason);
/** Events of the connection while it is made. */
void session_connect_event(const tc_event *event);
/** The deadline of `connecting` or `configuring` has passed. */
void session_connect_late(void);
/** The session is configured: live begins. */
void session_go_live(void);

/* session_token.c */
/** The one to show now; "" where there is none. */
const char *session_token(void);
/** The same, for a request; and the one that the last request showed. */
const char *session_token_show(void);
const char *session_token_shown(void);
/** A server has refused that: a lent one is forgotten. Whether there is another one to show. */
bool session_token_refused(bool *was_lent);
/** Whether it is one that a host lent. */
bool session_token_lent(void);
/** Whether there is one, and its end is not known to have passed. */
bool session_token_usable(void);
/** Wipes the lent one. */
void session_token_forget(void);
/** Whether the device has all that it needs to work. */
bool session_complete(void);

/* session_renew.c */
/** A new conversation begins: nothing of another one is left. */
void session_conversation_begin(void);
/** session.created or session.updated. */
void session_note_session(const tc_event_view *event);
/** In a live session: renews it when it is time. */
void session_renew_tick(void);
/** Live has begun: gives back what was said, where this conversation had a session before. Returns
 * whether that is so, and nobody has to be greeted. */
bool session_resume(void);

/* session_budget.c */
/** The server named the model of the session: its price counts, and another one than that of the
 * settings is said once. */
void session_note_model(tc_span model);
/** A response.done: counts what it costs. */
void session_budget_response(const tc_event_view *event);
/** In a live session: ends it politely where the budget is used up. */
void session_budget_tick(void);

/* session_rate.c */
void session_rate_limits(const tc_event_view *event);
/** Whether a response.create has to wait. */
bool session_rate_holds(void);
/** A response.done: whether a limit stopped it, and it is asked for once more. */
bool session_rate_failed(const tc_event_view *event);

/* session_failure.c */
/** A session failed: says why, and plans the next try or none. `said` (may be NULL) is what the
 * server said. */
void session_fail(tc_reason reason, const char *said, uint32_t retry_after_s);
/** Like it, for an HTTP answer. */
void session_fail_http(const tc_event *event);
/** Whether it may pass by itself; what does not, a person has to mend. */
bool session_failure_passes(tc_reason reason);
/** A `problem` in words, without a failure. */
void session_say_problem(tc_reason reason);
/** Wi-Fi could not be joined, or was lost: a `problem` in words. */
void session_wifi_problem(tc_reason reason, const char *ssid);
/** 1 s, 2 s, 4 s … 60 s, and up to a quarter more by chance. `tries` counts from 1. */
uint32_t session_backoff_ms(uint32_t tries);
/** Copies the span of a string, unescaped, cut to `capacity` at a character, without control
 * characters and token. */
void session_quote(tc_span span, char *out, size_t capacity);

/* session_live.c */
void session_live_begin(void);
void session_live_text(const tc_event *event);
/** Returns milliseconds until it wants to be called again. */
uint32_t session_live_tick(void);
/** Whether a voice of the server is to be heard, or still to come. */
bool session_live_sounding(void);
/** Whether an answer is made, or still to come. */
bool session_live_owes(void);
/** Nothing more of the present answer is played. */
void session_live_silence(void);
/** Sends the response.create that is wanted, if no response is in the way. */
void session_live_serve(void);
void session_live_activity(void);

/* session_commands.c */
void session_live_press(void);
void session_live_release(void);
/** The microphone was muted. */
void session_live_mute(void);

/* session_tools.c */
/** Runs a function call, once, and sends its output. */
void session_call(tc_span name, tc_span call_id, tc_span arguments);
/** After a response.done: sends the goodbye if it is due. */
void session_goodbye_due(void);
/** The goodbye made progress: it has 8 s more for the next step. */
void session_goodbye_moves(void);
/** Whether the goodbye was waited for long enough. */
bool session_goodbye_late(void);
/** The person goes on talking: an end that the model wanted is off. */
void session_goodbye_revoke(void);

/* session_outbox.c */
void session_outbox_clear(void);
/** Opens an event of ours; close with session_outbox_send. Never NULL. */
tc_json_writer *session_outbox_open(void);
/** Number of the event that is open. */
uint32_t session_outbox_number(void);
void session_outbox_send(void);
/** Queues an event of the host. TC_ERR_FULL. */
tc_err session_outbox_raw(const char *event, size_t length);
/** Gives the port what waits. Returns whether something is left. */
bool session_outbox_pump(void);
/** Whether the data channel has taken nothing for 10 s, though something waits. */
bool session_outbox_stalled(void);
/** Whether something waits. */
bool session_outbox_waits(void);
uint32_t session_outbox_high(void);
/** Passes an event of the server on to the host; `view` is NULL where it could not be read. */
void session_forward(const char *event, size_t length, const tc_event_view *view);

session_id session_hash(tc_span span);
static inline bool session_is(const tc_event_view *view, tc_field field, const char *text) {
    return view->fields[field].at != NULL && tc_json_is(view->fields[field], text);
}

#endif
