// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension RedisCommandConnection {
    /// Runs a script by its digest, or, where Redis does not know it (any more), by its source, which makes it known.
    ///
    /// The scripts that were given with the connection are made known whenever it opens, so that after a restart of
    /// Redis too what is sent in one order runs in that order.
    package func run(
        _ script: RedisScript, keys: [String], arguments: [RESPArgument], completion: @escaping Completion
    ) {
        let rest = [.text(String(keys.count))] + keys.map(RESPArgument.text) + arguments
        guard let digest = script.digest else {
            return self.send(["EVAL", .text(script.source)] + rest, completion: completion)
        }
        self.send(["EVALSHA", .text(digest)] + rest) { result in
            if case .failure(.refused(let text)) = result, text.hasPrefix("NOSCRIPT") {
                self.send(["EVAL", .text(script.source)] + rest, completion: completion)
            } else {
                completion(result)
            }
        }
    }
}
