#include "device.h"

#include "../generated/link_gen.h"
#include "../port.h"
#include "board.h"
#include "capture.h"
#include "host_tools.h"
#include "inbox.h"
#include "link.h"
#include "playout.h"
#include "session.h"
#include "session_change.h"
#include "session_host_calls.h"
#include "settings.h"
#include "sound_tap.h"

#define REBOOT_MS 1000u
#define TASKS_SHOWN 24 /* ours, and those of ESP-IDF */

static uint64_t started, now;
static uint64_t reboot_at; /* at the latest; 0: no restart was asked for */
static bool proven;

void tc_device_init(uint64_t now_ms) {
    started = now = now_ms;
    reboot_at = 0;
    proven = false;
}

void tc_device_proven(void) {
    if (!proven) {
        proven = true;
        tc_port_boot_good();
    }
}

bool tc_device_tick(uint64_t now_ms, bool sending) {
    now = now_ms;
    if (reboot_at == 0) {
        return false;
    }
    if (sending && now < reboot_at) {
        return true;
    }
    reboot_at = 0;
    (void)tc_session_stop(TC_REASON_HOST, now);
    tc_port_restart();
    return false;
}

void tc_device_reboot(void) {
    reboot_at = now + REBOOT_MS;
}

static void write_mac(tc_json_writer *writer) {
    static const char digits[] = "0123456789abcdef";
    uint8_t mac[6];
    char text[18];
    tc_port_mac(mac);
    for (int i = 0; i < 6; i++) {
        text[3 * i] = digits[mac[i] >> 4];
        text[3 * i + 1] = digits[mac[i] & 15];
        text[3 * i + 2] = i < 5 ? ':' : '\0';
    }
    tc_json_pair_string(writer, "mac", text);
}

void tc_device_write_hello(tc_json_writer *writer) {
    static const char *const resets[] = {"unknown", "power",    "pin",     "software",
                                         "panic",   "watchdog", "brownout"};
    char hash[65];
    tc_port_image_hash(hash);
    int reset = tc_port_reset_reason();
    if (reset < 0 || reset > TC_RESET_BROWNOUT) {
        reset = TC_RESET_UNKNOWN;
    }
    tc_json_open_object(writer);
    tc_json_pair_string(writer, "board", TC_BOARD_ID);
    tc_json_pair_string(writer, "name", tc_settings_get()->device_name);
    tc_json_pair_string(writer, "firmware", TC_FIRMWARE_VERSION);
    tc_json_pair_int(writer, "protocol", TC_PROTOCOL_VERSION);
    tc_json_pair_string(writer, "image", hash);
    write_mac(writer);
    tc_json_pair_string(writer, "reset", resets[reset]);
    tc_json_pair_bool(writer, "echo", TC_BOARD_ECHO);
    tc_json_pair_string(writer, "state", tc_state_names[tc_session_state()]);
    if (tc_port_on_trial()) {
        tc_json_pair_bool(writer, "trial", true);
    }
    tc_json_close_object(writer);
}

void tc_device_say_hello(void) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_HELLO);
    if (w == NULL) {
        return;
    }
    tc_device_write_hello(w);
    tc_link_send(TC_NOTIFY_HELLO_DROP);
}

static void write_link(tc_json_writer *w) {
    tc_link_stats s;
    tc_link_get_stats(&s);
    tc_json_open_object(w);
    tc_json_pair_int(w, "frames_out", s.frames_out);
    tc_json_pair_int(w, "frames_in", s.frames_in);
    tc_json_pair_int(w, "frames_broken", s.frames_broken);
    tc_json_pair_int(w, "frames_lost_in", s.frames_lost_in);
    tc_json_key(w, "dropped");
    tc_json_open_object(w);
    for (int i = 0; i < TC_DROP_CLASSES; i++) {
        tc_json_pair_int(w, tc_drop_names[i], s.dropped[i]);
    }
    tc_json_close_object(w);
    tc_json_pair_int(w, "ring_used", s.ring_used);
    tc_json_pair_int(w, "ring_high", s.ring_high);
    tc_json_close_object(w);
}

static void write_playout(tc_json_writer *w) {
    tc_playout_stats s;
    tc_playout_get_stats(&s);
    tc_json_open_object(w);
    tc_json_pair_int(w, "received", s.received);
    tc_json_pair_int(w, "played", s.played);
    tc_json_pair_int(w, "concealed", s.concealed);
    tc_json_pair_int(w, "late", s.late);
    tc_json_pair_int(w, "duplicate", s.duplicate);
    tc_json_pair_int(w, "lost", s.lost);
    tc_json_pair_int(w, "flushed", s.flushed);
    tc_json_pair_int(w, "overflow", s.overflow);
    tc_json_pair_int(w, "stray", s.stray);
    tc_json_pair_int(w, "jitter_ms", s.jitter_ms);
    tc_json_pair_int(w, "depth_ms", s.depth_ms);
    tc_json_pair_int(w, "target_ms", s.target_ms);
    tc_json_close_object(w);
}

static void write_heap(tc_json_writer *w, const char *name, uint32_t free, uint32_t low) {
    tc_json_key(w, name);
    tc_json_open_object(w);
    tc_json_pair_int(w, "free", free);
    tc_json_pair_int(w, "low", low);
    tc_json_close_object(w);
}

static void write_memory(tc_json_writer *w) {
    tc_memory_stats s = {0};
    tc_port_memory(&s);
    tc_json_open_object(w);
    write_heap(w, "internal", s.internal_free, s.internal_low);
    write_heap(w, "external", s.external_free, s.external_low);
    tc_json_close_object(w);
}

static void write_tasks(tc_json_writer *w) {
    static tc_task_stats tasks[TASKS_SHOWN];
    int count = tc_port_tasks(tasks, TASKS_SHOWN);
    tc_json_open_array(w);
    for (int i = 0; i < count; i++) {
        tasks[i].name[sizeof tasks[i].name - 1] = '\0';
        tc_json_open_object(w);
        tc_json_pair_string(w, "name", tasks[i].name);
        tc_json_pair_int(w, "stack_free", tasks[i].stack_free);
        tc_json_pair_int(w, "cpu_permille", tasks[i].cpu_permille);
        tc_json_close_object(w);
    }
    tc_json_close_array(w);
}

static void write_tools(tc_json_writer *w) {
    tc_json_open_object(w);
    tc_json_pair_int(w, "served", tc_host_tools_count());
    tc_session_host_stats(w);
    tc_session_change_stats(w);
    tc_json_close_object(w);
}

void tc_device_write_stats(tc_json_writer *w) {
    tc_json_open_object(w);
    tc_json_key(w, "link");
    write_link(w);
    tc_json_key(w, "playout");
    write_playout(w);
    tc_json_key(w, "capture");
    tc_json_open_object(w);
    tc_capture_write_stats(w);
    tc_json_close_object(w);
    tc_json_key(w, "session");
    tc_session_write_stats(w);
    tc_json_key(w, "tools");
    write_tools(w);
    tc_json_key(w, "sound");
    tc_json_open_object(w);
    tc_sound_tap_stats(w);
    tc_json_close_object(w);
    tc_json_key(w, "ends");
    tc_session_write_ends(w, started);
    tc_json_key(w, "memory");
    write_memory(w);
    tc_json_key(w, "tasks");
    write_tasks(w);
    tc_json_pair_int(w, "uptime_ms", (int64_t)(now - started));
    tc_json_pair_int(w, "inbox_high", tc_inbox_high());
    tc_json_close_object(w);
}
