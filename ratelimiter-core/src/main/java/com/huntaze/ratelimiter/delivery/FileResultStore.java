package com.huntaze.ratelimiter.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Keeps results as files: {@link DeliveryResult#toJson} at {@link DeliveryResult#path} beneath a
 * directory. Given to dispatchers and workers; thread-safe, and any number of processes may share
 * the directory.
 *
 * <p>A file is written beside its place, forced to the disk and moved there in one step: whoever
 * reads it sees a whole result, also after a crash, which may leave a file behind whose name ends
 * in {@code .tmp}. Results may hold personal data: where the file system has owners, only the owner
 * may read what is made here. Nothing is ever deleted; a directory for each day makes that easy for
 * whoever has to. A file system that does not tell upper case from lower takes ids for one another
 * that differ in that only.
 *
 * <p><b>Failure:</b> {@link ResultStoreException}; what was there before is still there.
 */
public final class FileResultStore implements ResultStore {
  /** How often a directory may vanish under our hands. */
  private static final int TRIES = 3;

  private final Path directory;
  private final FileAttribute<?>[] ownersOnly;

  /**
   * A store in a directory.
   *
   * @param directory where; it is made by the first result if it is missing
   */
  public FileResultStore(Path directory) {
    this.directory = requireNonNull(directory, "directory");
    boolean hasOwners = directory.getFileSystem().supportedFileAttributeViews().contains("posix");
    this.ownersOnly =
        hasOwners
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
            }
            : new FileAttribute<?>[0];
  }

  @Override
  public void put(DeliveryResult result) {
    Path file = directory.resolve(result.path());
    byte[] json = result.toJson().getBytes(UTF_8);
    for (int tries = 1; ; tries++) {
      try {
        Path parent = requireNonNull(file.getParent());
        Files.createDirectories(parent, ownersOnly);
        write(parent, file, json);
        return;
      } catch (NoSuchFileException e) {
        if (tries == TRIES) { // else someone who tidies up was faster
          throw failed(result, e);
        }
      } catch (IOException e) {
        throw failed(result, e);
      }
    }
  }

  private static void write(Path parent, Path file, byte[] json) throws IOException {
    Path written = Files.createTempFile(parent, ".", ".tmp"); // the owner's only, too
    try {
      try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(json);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      Files.deleteIfExists(written);
      throw e;
    }
  }

  private static ResultStoreException failed(DeliveryResult result, IOException e) {
    return new ResultStoreException(
        "the result of message " + result.messageId() + " could not be written to a file", e);
  }
}
