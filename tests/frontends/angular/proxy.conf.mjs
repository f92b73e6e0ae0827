// The front end's own server: /api goes on to the gateway, as in the guide of Angular.
export default { "/api": { target: process.env.GATEWAY, secure: false, changeOrigin: process.env.CHANGE_ORIGIN === "1" } };
