/* Starting the tasks of generated/tasks_gen.h as their rows say. */
#ifndef TASKS_H
#define TASKS_H

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "generated/tasks_gen.h"

/**
 * Starts a task with the processor, priority, and stack that tc_task_table names for it. `run` must
 * not return. Aborts where memory does not suffice: without one of its tasks the device is none.
 */
TaskHandle_t tasks_start(tc_task_id id, TaskFunction_t run, void *argument);

#endif
