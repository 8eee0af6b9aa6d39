/** Starts the page. */
import "./styles/page.css";
import { App } from "./app";

new App().start();
