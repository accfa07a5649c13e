// What the second module of the program two_modules offers to the first.
#pragma once

#include "check.h"

void scale_in_other_module(int *device_values);
