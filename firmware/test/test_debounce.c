#include "../esp32s3/portable/debounce.h"
#include "check.h"

TC_TEST(debounce_believes_what_lasts) {
    debounce button = {0};
    CHECK(!debounce_step(&button, true, 3));
    CHECK(!debounce_step(&button, true, 3));
    CHECK(debounce_step(&button, true, 3));
    CHECK(button.down);
    CHECK(!debounce_step(&button, true, 3));
    for (int i = 0; i < 2; i++) {
        CHECK(!debounce_step(&button, false, 3));
    }
    CHECK(debounce_step(&button, false, 3));
    CHECK(!button.down);
}

TC_TEST(debounce_ignores_bouncing_contacts) {
    debounce button = {0};
    for (int i = 0; i < 100; i++) {
        CHECK(!debounce_step(&button, i % 3 != 0, 3));
    }
    CHECK(!button.down);
}

TC_TEST(debounce_of_one_step_believes_at_once) {
    debounce button = {0};
    CHECK(debounce_step(&button, true, 1));
    CHECK(debounce_step(&button, false, 1));
}

TC_TEST(ladder_holds_a_button_whose_voltage_wanders) {
    CHECK(ladder_pressed(280, 280, 480, false));
    CHECK(ladder_pressed(480, 280, 480, false));
    CHECK(!ladder_pressed(481, 280, 480, false));
    CHECK(!ladder_pressed(279, 280, 480, false));
    CHECK(ladder_pressed(500, 280, 480, true));
    CHECK(ladder_pressed(250, 280, 480, true));
    CHECK(!ladder_pressed(511, 280, 480, true));
    CHECK(!ladder_pressed(249, 280, 480, true));
}
