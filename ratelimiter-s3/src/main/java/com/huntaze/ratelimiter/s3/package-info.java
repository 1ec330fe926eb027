/**
 * Results in Amazon S3: {@link com.huntaze.ratelimiter.s3.S3ResultStore} keeps each as an object.
 */
@NullMarked
package com.huntaze.ratelimiter.s3;

import org.jspecify.annotations.NullMarked;
