// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a message to a channel through a node.")

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The channel.")
    var channel: String

    @Argument(help: "The message: JSON, or text that becomes a JSON string; - reads standard input.")
    var data: String

    private struct Answer: Encodable {
        let channel: String
    }

    func run() async throws {
        try await self.output.reporting {
            let text = self.data == "-" ? FileHandle.standardInput.readDataToEndOfFile() : Data(self.data.utf8)
            let payload = Payload.normalize(Array(text))
            var body = JSONWriter(capacity: text.count * 2 + 64)
            body.beginObject()
            body.member("channel", self.channel)
            if let payload {
                body.member("data", raw: payload)
            } else {
                // Some channels take any bytes; the node says whether this one does.
                body.member("b64data", raw: Base64.quoted(Array(text)))
            }
            body.endObject()
            _ = try await self.api.call("publish", body.bytes)
            try self.output.print("Published to \(self.channel).", Answer(channel: self.channel))
        }
    }
}
