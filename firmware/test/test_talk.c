/* Talking: what a person expects of button, voice and mute switch. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void begin_with(const char *key, uint8_t value) {
    world_flash();
    fake_kv_put(key, TC_KV_U8, &value, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_forget();
}

static void press(void) {
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
}

static void release(void) {
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
}

/* Frames that still sound, while the server goes on sending for a while. */
static int frames_until_silence(void) {
    int16_t pcm[320];
    int frames = 0, last = 0;
    for (int i = 1; i <= 40; i++) {
        world_voice();
        tc_core_audio_out(pcm);
        frames = i;
        for (int j = 0; j < 320; j++) {
            last = pcm[j] != 0 ? frames : last;
        }
    }
    return last;
}

/* ---- interruption, counted in frames of 20 ms ---- */

TC_TEST(talk_the_button_silences_the_very_next_frame) {
    world_listening();
    world_speak("r1");
    press();
    CHECK_EQ(frames_until_silence(), 0);
    CHECK(world_has(fake.texts[0].text, "\"response.cancel\""));
    CHECK(world_has(fake.texts[1].text, "\"output_audio_buffer.clear\""));
}

TC_TEST(talk_the_link_silences_the_very_next_frame) {
    world_listening();
    world_speak("r1");
    world_request("talk.press", NULL);
    CHECK_EQ(frames_until_silence(), 0);
}

TC_TEST(talk_a_voice_silences_the_very_next_frame) {
    world_listening();
    world_speak("r1");
    world_event("input_audio_buffer.speech_started");
    CHECK_EQ(frames_until_silence(), 0);
    CHECK_EQ(fake.text_count, 0); /* the server cuts its answer by itself */
}

TC_TEST(talk_without_interruption_by_voice_the_button_still_does) {
    begin_with("vad_interrupt", 0);
    world_speak("r1");
    world_event("input_audio_buffer.speech_started");
    CHECK(frames_until_silence() > 30);
    press();
    CHECK_EQ(frames_until_silence(), 0);
}

TC_TEST(talk_an_answer_that_was_cancelled_before_it_came_is_not_heard) {
    world_listening();
    world_request("session.say", "{\"text\":\"x\"}");
    press();
    CHECK_EQ(world_sent("response.cancel"), 1);
    world_created("r1"); /* these were on their way */
    world_output("started", "r1");
    CHECK_EQ(frames_until_silence(), 0);
    world_done("r1", "cancelled");
    world_output("cleared", "r1");
    release();
    world_check_activity("listening");
    world_speak("r2"); /* the next one is */
}

TC_TEST(talk_an_answer_that_begins_while_it_is_cancelled_is_not_heard) {
    world_listening();
    world_created("r1");
    press();
    world_output("started", "r1");
    CHECK_EQ(frames_until_silence(), 0);
    world_done("r1", "cancelled");
    world_output("cleared", "r1");
    world_speak("r2");
}

TC_TEST(talk_a_refused_response_is_not_taken_for_a_cancelled_one) {
    world_listening();
    world_request("session.say", "{\"text\":\"x\"}");
    press();
    release();
    world_server("{\"type\":\"error\",\"error\":{\"code\":\"rate_limit\",\"event_id\":\"tc_4\"}}");
    world_speak("r2");
}

/* ---- turns that nobody answers by itself ---- */

TC_TEST(talk_with_respond_off_the_host_asks_for_the_answer) {
    uint8_t none = TC_TURN_DETECTION_NONE;
    uint8_t off = 0;
    world_flash();
    fake_kv_put("turn", TC_KV_U8, &none, 1);
    fake_kv_put("vad_respond", TC_KV_U8, &off, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_forget();
    press();
    world_run(400);
    release();
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0);
    world_check_activity("listening");
    world_request("realtime.send", "{\"event\":{\"type\":\"response.create\"}}");
    world_check_activity("thinking");
    world_speak("r1");
}

TC_TEST(talk_with_respond_off_a_voice_is_not_answered) {
    begin_with("vad_respond", 0);
    world_event("input_audio_buffer.speech_started");
    world_check_activity("hearing");
    world_event("input_audio_buffer.speech_stopped");
    world_event("input_audio_buffer.committed");
    world_check_activity("listening");
    press(); /* the button is for silence here */
    release();
    CHECK_EQ(fake.text_count, 0);
}

/* ---- mute ---- */

TC_TEST(talk_mute_ends_a_sentence_that_is_heard) {
    world_listening();
    world_event("input_audio_buffer.speech_started");
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0);
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "\"input_audio_buffer.clear\""));
    world_check_activity("listening");
    int packets = fake.packets, encoded = fake.encoded;
    world_run(1000);
    CHECK_EQ(fake.packets, packets);
    CHECK_EQ(fake.encoded, encoded);                  /* not even silence is */
    world_request("session.say", "{\"text\":\"x\"}"); /* it does not wait for the voice */
    CHECK_EQ(world_sent("response.create"), 1);
    world_post(TC_EVENT_MUTE, 0, 0, 0, NULL, 0);
    world_run(100);
    CHECK_EQ(fake.packets, packets + 5);
}

TC_TEST(talk_a_muted_button_interrupts_but_does_not_talk) {
    begin_with("turn", TC_TURN_DETECTION_NONE);
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0);
    world_speak("r1");
    press();
    CHECK_EQ(world_sent("response.cancel"), 1);
    world_run(300);
    release();
    CHECK_EQ(fake.packets, 0);
    CHECK_EQ(world_sent("input_audio_buffer"), 0);
}

/* ---- goodbye ---- */

/* The model has ended the session by the call `call`, and says its goodbye as response `bye`. */
static void begin_goodbye(const char *call, const char *bye) {
    static char json[300];
    strcpy(json, "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"name\":\"end_session\",\"arguments\":\"{}\",\"call_id\":\"");
    strcat(json, call);
    strcat(json, "\"}}");
    world_created("r1");
    world_server(json);
    world_done("r1", "completed");
    world_speak(bye);
    world_forget();
}

TC_TEST(talk_who_talks_into_the_goodbye_goes_on) {
    begin_with("turn", TC_TURN_DETECTION_NONE);
    begin_goodbye("c1", "bye");
    press();
    CHECK_EQ(frames_until_silence(), 0);
    world_done("bye", "cancelled");
    world_output("cleared", "bye");
    world_check_activity("hearing");
    world_run(1000);
    release();
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(!world_has(world_last_sent("response.create"), "tool_choice"));
    world_speak("r2");
    world_done("r2", "completed");
    world_output("stopped", "r2");
    world_run(40000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    begin_goodbye("c2", "bye2"); /* and may end another time */
    world_done("bye2", "completed");
    world_output("stopped", "bye2");
    world_run(2500);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

TC_TEST(talk_who_talks_before_the_goodbye_goes_on) {
    begin_with("turn", TC_TURN_DETECTION_NONE);
    world_created("r1");
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"name\":\"end_session\",\"call_id\":\"c1\",\"arguments\":\"{}\"}}");
    press();
    world_done("r1", "cancelled");
    CHECK_EQ(world_sent("response.create"), 0);
    world_run(12000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

TC_TEST(talk_the_button_cuts_the_goodbye_short) {
    world_listening();
    begin_goodbye("c1", "bye");
    press();
    CHECK_EQ(frames_until_silence(), 0);
    world_done("bye", "cancelled");
    world_run(500);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK(world_has(world_state(), "\"reason\":\"end_session\""));
}

TC_TEST(talk_the_button_starts_anew_while_the_end_still_sounds) {
    world_listening();
    begin_goodbye("c1", "bye");
    world_output("stopped", "bye");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    press();
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    CHECK(world_has(world_state(), "\"reason\":\"button\""));
}

/* ---- a silent room ---- */

static void prompted(void) {
    world_event("input_audio_buffer.timeout_triggered");
    world_event("input_audio_buffer.committed");
    world_speak("p");
    world_done("p", "completed");
    world_output("stopped", "p");
    world_run(8000);
}

TC_TEST(talk_prompts_of_the_server_do_not_keep_a_session_alive) {
    world_listening();
    for (int i = 0; i < 10; i++) { /* eight seconds each */
        prompted();
        CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    }
    world_event("input_audio_buffer.speech_started"); /* somebody is there */
    world_event("input_audio_buffer.speech_stopped");
    world_speak("r");
    world_done("r", "completed");
    world_output("stopped", "r");
    for (int i = 0; i < 14; i++) {
        prompted();
        CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    }
    prompted();
    world_run(3000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK(world_has(world_state(), "\"reason\":\"idle\""));
}
