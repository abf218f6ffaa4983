// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// Counts every allocation of the process it is linked into, on all threads or on one.

#ifndef MARTLET_ALLOCATION_COUNTER_H
#define MARTLET_ALLOCATION_COUNTER_H

// Allocations so far, on all threads.
long martlet_allocations(void);

// Allocations so far on the calling thread.
long martlet_allocations_of_thread(void);

#endif
