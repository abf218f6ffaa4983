// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

@Suite struct ProxyRequestTests {
    private let client = ProxyClient(
        client: "c1", transport: "websocket", encoding: .protobuf, user: "u", meta: bytes(#"{"plan":1}"#))

    private func json(_ question: ProxyRequest.Question) -> String {
        text(ProxyRequest(question, client: self.client).json)
    }

    private let head = #"{"client":"c1","transport":"websocket","protocol":"protobuf","encoding":"json""#

    @Test func connectSaysWhatTheClientSaysOfItself() {
        var connect = ProxyRequest.Connect()
        connect.name = "js"
        connect.version = "1.0"
        connect.data = bytes(#"{"a":1}"#)
        connect.channels = ["news", "a\"b"]
        let request = ProxyRequest(.connect(connect), client: ProxyClient(client: "c1", transport: "sse"))
        #expect(
            text(request.json)
                == #"{"client":"c1","transport":"sse","protocol":"json","encoding":"json","name":"js","version":"1.0","#
                + #""data":{"a":1},"channels":["news","a\"b"]}"#)
        #expect(request.method == .connect)
    }

    @Test func whatIsEmptyIsLeftOut() {
        let request = ProxyRequest(.connect(.init()), client: ProxyClient(client: "c1", transport: "sse"))
        #expect(text(request.json) == #"{"client":"c1","transport":"sse","protocol":"json","encoding":"json"}"#)
    }

    @Test func theOthersNameTheUserAndItsMeta() {
        let tail = #","meta":{"plan":1}}"#
        #expect(self.json(.refresh) == self.head + #","user":"u""# + tail)
        #expect(
            self.json(.subscribe(channel: "a:b", token: "t", data: bytes("[1]")))
                == self.head + #","user":"u","channel":"a:b","token":"t","data":[1]"# + tail)
        #expect(
            self.json(.publish(channel: "a:b", data: bytes("\"x\"")))
                == self.head + #","user":"u","channel":"a:b","data":"x""# + tail)
        #expect(
            self.json(.rpc(method: "sum", data: bytes("[1,2]")))
                == self.head + #","user":"u","method":"sum","data":[1,2]"# + tail)
        #expect(self.json(.rpc(method: "", data: nil)) == self.head + #","user":"u","method":"""# + tail)
        #expect(self.json(.subRefresh(channel: "a:b")) == self.head + #","user":"u","channel":"a:b""# + tail)
    }
}
