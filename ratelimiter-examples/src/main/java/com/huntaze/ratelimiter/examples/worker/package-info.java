/**
 * The reference worker: delivers the workflow queue's messages; start at {@link
 * com.huntaze.ratelimiter.examples.worker.WorkerProcess}.
 */
@NullMarked
package com.huntaze.ratelimiter.examples.worker;

import org.jspecify.annotations.NullMarked;
