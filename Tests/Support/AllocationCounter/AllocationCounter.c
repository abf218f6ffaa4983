// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// Stands in for the C library's allocator, which is reached by its other names.

#include "AllocationCounter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_long allocations;
static _Thread_local long allocations_of_thread;

__attribute__((unused)) static void count(void) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    allocations_of_thread += 1;
}

long martlet_allocations(void) { return atomic_load_explicit(&allocations, memory_order_relaxed); }
long martlet_allocations_of_thread(void) { return allocations_of_thread; }

// A sanitizer is an allocator of its own, and must stay it.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    count();
    return __libc_calloc(items, size);
}

void *realloc(void *block, size_t size) {
    count();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    count();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *block = memory;
    return 0;
}

#endif
